using Akka.Actor;
using AlexNetActors.Data;
using AlexNetActors.Model;

namespace AlexNetActors.Actors;

/// <summary>
/// Prepares every n-th batch, by credit, and hands it to the towers: by reference in its own process, over a connection of its own to another.
/// Stateless but for its read-ahead: a batch is a pure function of the seed and its number. Runs on a thread of its own (dispatcher in node.conf).
/// </summary>
public sealed class DataLoaderActor : ReceiveActor
{
    readonly NodeMeans _means;
    readonly string _name;
    readonly DataFolder _data;
    readonly Dictionary<PassKind, Window> _windows = [];
    readonly Dictionary<IActorRef, Taker> _takers = [];
    IActorRef _coordinator = ActorRefs.Nobody;
    BatchReader? _reader;
    AssignLoader? _task;

    /// <summary>Batches of one kind still to prepare: numbers Next, Next + Count, ... below Until; into the buffers in turn.</summary>
    sealed class Window(Batch[] buffers)
    {
        public readonly Batch[] Buffers = buffers;
        public long Next, Until;
    }

    /// <summary>A GPU actor that wants batches; the sender is null where it is in this process.</summary>
    sealed class Taker(Seat seat, BatchSender? sender)
    {
        public readonly Seat Seat = seat;
        public readonly BatchSender? Sender = sender;
        public bool Open = sender is null;
    }

    sealed class Prepare : INoSerializationVerificationNeeded
    {
        public static readonly Prepare Instance = new();
    }

    /// <summary>From a connection's thread.</summary>
    sealed record LinkEvent(int Generation, IActorRef Gpu, string? Lost) : INoSerializationVerificationNeeded;

    /// <param name="means">What its node brings along.</param>
    /// <param name="name">How it is called in an error.</param>
    /// <exception cref="DataException">The data set cannot be opened.</exception>
    public DataLoaderActor(NodeMeans means, string name)
    {
        (_means, _name) = (means, name);
        _data = DataFolder.Open(means.DataPath!);
        Receive<AssignLoader>(OnAssign);
        Receive<DisbandGroup>(m => { if (m.Generation == _task?.Generation) Leave(); });
        Receive<LinkEvent>(m => { if (m.Generation == _task?.Generation) OnLink(m); });
        Receive<GrantCredit>(OnCredit);
        Receive<Prepare>(_ => OnPrepare());
    }

    public static Props Props(NodeMeans means, string name) => Akka.Actor.Props.Create(() => new DataLoaderActor(means, name)).WithDispatcher("alexnet.loader-dispatcher");

    protected override void PostStop()
    {
        Leave();
        _data.Dispose();
    }

    void Leave()
    {
        foreach (var taker in _takers.Values) taker.Sender?.Dispose();
        _takers.Clear();
        _windows.Clear();
        _task = null;
    }

    void OnAssign(AssignLoader task)
    {
        Context.Parent.Tell(new GenerationHeard(task.Generation));
        if (_task is not null && (task.Generation < _task.Generation || (task.Generation == _task.Generation && task.Round <= _task.Round)))
        {
            if (task.Generation == _task.Generation) TellMean(task.Seats.Where(s => s.Actor.IsHere()), task.Generation);
            return; // late, or said again
        }
        if (task.Generation != _task?.Generation)
        {
            Leave();
            var recipe = _means.ReadRecipe(task.Recipe);
            _reader = new BatchReader(_data, recipe.Augmentation, recipe.Seed, recipe.Batch);
        }
        (_task, _coordinator) = (task, Sender);
        _windows.Clear(); // and with it the buffers: towers may still read them
        foreach (var taker in _takers.Values) taker.Sender?.Clear();
        foreach (var seat in task.Seats.Where(s => !_takers.ContainsKey(s.Actor))) _takers[seat.Actor] = Open(seat, task.Generation);
    }

    Taker Open(Seat seat, int generation)
    {
        if (seat.Actor.IsHere())
        {
            TellMean([seat], generation);
            return new Taker(seat, null);
        }
        var self = Self;
        var sender = new BatchSender(generation, opened: () => self.Tell(new LinkEvent(generation, seat.Actor, null)), lost: reason => self.Tell(new LinkEvent(generation, seat.Actor, reason)));
        _means.Tensors!.Connect(seat.Endpoint, new TensorHello(generation, LinkPurpose.Batches, _means.Name, seat.Actor.Path.Name), sender);
        return new Taker(seat, sender);
    }

    /// <summary>To those here, who may not have known the group yet when it was first told.</summary>
    void TellMean(IEnumerable<Seat> seats, int generation)
    {
        foreach (var seat in seats) seat.Actor.Tell(new MeanReady(generation, _data.Mean.ToArray()));
    }

    void OnLink(LinkEvent e)
    {
        if (!_takers.TryGetValue(e.Gpu, out var taker)) return;
        if (e.Lost is { } reason)
        {
            _takers.Remove(e.Gpu);
            Context.Parent.Tell(new NodeActor.Remark($"lost a connection: {reason}; {_name} {(_windows.TryGetValue(PassKind.Train, out var window) ? $"was before the batch of step {window.Next}" : "had made no batch yet")}"));
            _coordinator.Tell(new LinkLost(e.Generation, _means.Name, LinkPurpose.Batches, reason));
            return;
        }
        taker.Open = true;
        taker.Sender!.Send(_data.Mean.ToArray());
        Self.Tell(Prepare.Instance);
    }

    void OnCredit(GrantCredit credit)
    {
        if (_task is null || credit.Generation != _task.Generation) return;
        if (!_windows.TryGetValue(credit.Kind, out var window))
        {
            int inFlight = (_task.ReadAhead + _task.Count - 1) / _task.Count;
            window = _windows[credit.Kind] = new Window([.. Enumerable.Range(0, inFlight).Select(_ => _reader!.NewBatch())]);
        }
        long first = credit.From + (_task.Index - credit.From % _task.Count + _task.Count) % _task.Count;
        window.Next = Math.Max(window.Next, first); // what is before it lies with the towers already, who may be reading it: never again into the same memory
        window.Until = credit.Until;
        Self.Tell(Prepare.Instance);
    }

    /// <summary>One batch a message, so that new credit and a new group are heard in between.</summary>
    void OnPrepare()
    {
        if (_takers.Count < _task?.Seats.Length || _takers.Values.Any(t => !t.Open)) return; // goes on when the connections stand
        foreach (var (kind, window) in _windows)
        {
            if (window.Next >= window.Until) continue;
            long number = window.Next;
            window.Next += _task!.Count;
            var batch = window.Buffers[number / _task.Count % window.Buffers.Length];
            try
            {
                if (kind == PassKind.Train) _means.Faults?.AtLoader(number);
                if (kind == PassKind.Train) _reader!.ReadTraining(number, batch);
                else _reader!.ReadValidation((int)(number % _reader.ValidationBatches), batch);
            }
            catch (Exception e) when (e is DataException or OutOfMemoryException)
            {
                _coordinator.Tell(new LoaderFailed(_task.Generation, _means.Name, $"{_name}: {e.Message}"));
                return;
            }
            var pass = new PassId(_task.Generation, kind, number);
            foreach (var taker in _takers.Values)
            {
                if (taker.Sender is null) taker.Seat.Actor.Tell(new BatchReady(pass, batch));
                else taker.Sender.Send(pass, batch);
            }
            Self.Tell(Prepare.Instance);
            return;
        }
    }
}
