using Akka.Actor;
using AlexNetActors.Data;
using AlexNetActors.Model;

namespace AlexNetActors.Actors;

/// <summary>
/// Prepares every n-th batch, by credit, and hands it to the towers. Stateless but for its read-ahead: a batch is a pure
/// function of the seed and its number. Runs on a thread of its own (dispatcher in node.conf).
/// </summary>
public sealed class DataLoaderActor : ReceiveActor
{
    readonly GroupSettings _settings;
    readonly int _index;
    readonly IActorRef _coordinator;
    readonly DataFolder _data;
    readonly BatchReader _reader;
    readonly Dictionary<PassKind, Window> _windows = [];
    FormGroup? _group;

    /// <summary>Batches of one kind still to prepare: numbers Next, Next + LoaderCount, ... below Until; into the buffers in turn.</summary>
    sealed class Window(Batch[] buffers)
    {
        public readonly Batch[] Buffers = buffers;
        public long From = -1, Next, Until;
    }

    sealed class Prepare : INoSerializationVerificationNeeded
    {
        public static readonly Prepare Instance = new();
    }

    /// <param name="settings">What all members of the group are told.</param>
    /// <param name="index">My place among the loaders.</param>
    /// <param name="coordinator">Who grants credit.</param>
    public DataLoaderActor(GroupSettings settings, int index, IActorRef coordinator)
    {
        (_settings, _index, _coordinator) = (settings, index, coordinator);
        _data = DataFolder.Open(settings.DataPath);
        _reader = new BatchReader(_data, settings.Recipe.Augmentation, settings.Recipe.Seed, settings.Recipe.Batch);
        Receive<FormGroup>(OnFormGroup);
        Receive<GrantCredit>(OnCredit);
        Receive<Prepare>(_ => OnPrepare());
    }

    public static Props Props(GroupSettings settings, int index, IActorRef coordinator) =>
        Akka.Actor.Props.Create(() => new DataLoaderActor(settings, index, coordinator)).WithDispatcher("alexnet.loader-dispatcher");

    protected override void PreStart() => _coordinator.Tell(new LoaderReady(_index));

    protected override void PostStop() => _data.Dispose();

    void OnFormGroup(FormGroup group)
    {
        _group = group;
        _windows.Clear(); // and with it the buffers: towers of the old generation may still read them
    }

    void OnCredit(GrantCredit credit)
    {
        if (_group is null || credit.Generation != _group.Generation) return;
        if (!_windows.TryGetValue(credit.Kind, out var window))
        {
            int inFlight = (_settings.ReadAhead + _group.LoaderCount - 1) / _group.LoaderCount;
            window = _windows[credit.Kind] = new Window([.. Enumerable.Range(0, inFlight).Select(_ => _reader.NewBatch())]);
        }
        if (window.From != credit.From)
        {
            window.From = credit.From;
            window.Next = credit.From + (_index - credit.From % _group.LoaderCount + _group.LoaderCount) % _group.LoaderCount;
        }
        window.Until = credit.Until;
        Self.Tell(Prepare.Instance);
    }

    /// <summary>One batch a message, so that new credit and a new group are heard in between.</summary>
    void OnPrepare()
    {
        foreach (var (kind, window) in _windows)
        {
            if (window.Next >= window.Until) continue;
            long number = window.Next;
            window.Next += _group!.LoaderCount;
            var batch = window.Buffers[number / _group.LoaderCount % window.Buffers.Length];
            try
            {
                if (kind == PassKind.Train) _reader.ReadTraining(number, batch);
                else _reader.ReadValidation((int)(number % _reader.ValidationBatches), batch);
            }
            catch (DataException e)
            {
                _coordinator.Tell(new MemberFailed(_group.Generation, $"loader {_index}", e.Message));
                return;
            }
            var ready = new BatchReady(new PassId(_group.Generation, kind, number), batch);
            _group.TowerA.Tell(ready);
            if (!_group.TowerB.Equals(_group.TowerA)) _group.TowerB.Tell(ready);
            Self.Tell(Prepare.Instance);
            return;
        }
    }
}
