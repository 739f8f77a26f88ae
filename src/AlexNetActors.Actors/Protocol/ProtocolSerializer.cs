using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Serialization;
using MessagePack;

namespace AlexNetActors.Actors;

/// <summary>
/// The only serializer of our messages: MessagePack by explicit keys, a manifest a type. There is no fallback: what has no manifest is refused.
/// </summary>
public sealed class ProtocolSerializer(ExtendedActorSystem system) : SerializerWithStringManifest(system)
{
    static readonly Dictionary<string, Type> Types = new()
    {
        ["node-offer"] = typeof(NodeOffer),
        ["node-admitted"] = typeof(NodeAdmitted),
        ["node-refused"] = typeof(NodeRefused),
        ["offer-again"] = typeof(OfferAgain),
        ["node-leaves"] = typeof(NodeLeaves),
        ["node-released"] = typeof(NodeReleased),
        ["run-over"] = typeof(RunOver),
        ["standing-asked"] = typeof(StandingAsked),
        ["standing-told"] = typeof(StandingTold),
        ["link-lost"] = typeof(LinkLost),
        ["form-group"] = typeof(FormGroup),
        ["disband-group"] = typeof(DisbandGroup),
        ["assign-loader"] = typeof(AssignLoader),
        ["gpu-ready"] = typeof(GpuReady),
        ["take-snapshot"] = typeof(TakeSnapshot),
        ["load-towers"] = typeof(LoadTowers),
        ["towers-loaded"] = typeof(TowersLoaded),
        ["run-step"] = typeof(RunStep),
        ["evaluate-batch"] = typeof(EvaluateBatch),
        ["pass-done"] = typeof(PassDone),
        ["save-towers"] = typeof(SaveTowers),
        ["tower-saved"] = typeof(TowerSaved),
        ["batch-missing"] = typeof(BatchMissing),
        ["loader-failed"] = typeof(LoaderFailed),
        ["member-failed"] = typeof(MemberFailed),
        ["node-broken"] = typeof(NodeBroken),
        ["numbers-went-wrong"] = typeof(NumbersWentWrong),
        ["stop-run"] = typeof(StopRun),
        ["pause-run"] = typeof(PauseRun),
        ["continue-run"] = typeof(ContinueRun),
        ["save-run"] = typeof(SaveRun),
        ["activation-ready"] = typeof(ActivationReady),
        ["grant-credit"] = typeof(GrantCredit),
        ["batch-ready"] = typeof(BatchReady),
        ["group-waits"] = typeof(GroupWaits),
        ["node-joined"] = typeof(NodeJoined),
        ["node-turned-away"] = typeof(NodeTurnedAway),
        ["node-gone"] = typeof(NodeGone),
        ["group-formed"] = typeof(GroupFormed),
        ["group-broken"] = typeof(GroupBroken),
        ["loaders-changed"] = typeof(LoadersChanged),
        ["run-started"] = typeof(RunStarted),
        ["step-completed"] = typeof(StepCompleted),
        ["validation-completed"] = typeof(ValidationCompleted),
        ["checkpoint-written"] = typeof(CheckpointWritten),
        ["run-paused"] = typeof(RunPaused),
        ["run-continued"] = typeof(RunContinued),
        ["tower-activity"] = typeof(TowerActivity),
        ["node-memory"] = typeof(NodeMemory),
        ["run-finished"] = typeof(RunFinished),
        ["run-failed"] = typeof(RunFailed),
    };

    static readonly Dictionary<Type, string> Manifests = Types.ToDictionary(t => t.Value, t => t.Key);

    static long s_refused;

    readonly MessagePackSerializerOptions _options = Formatters.Options(system);

    /// <summary>Every type that may travel, by its manifest.</summary>
    public static IReadOnlyDictionary<string, Type> Messages => Types;

    /// <summary>Messages that this process has refused to read: of an unknown manifest, or malformed.</summary>
    public static long Refused => Interlocked.Read(ref s_refused);

    public override int Identifier => 2012;

    public override string Manifest(object o) =>
        Manifests.TryGetValue(o.GetType(), out var manifest) ? manifest : throw new SerializationException($"{o.GetType().Name} is not a message of the protocol");

    public override byte[] ToBinary(object obj) => MessagePackSerializer.Serialize(obj.GetType(), obj, _options);

    public override object FromBinary(byte[] bytes, string manifest)
    {
        if (manifest is null || !Types.TryGetValue(manifest, out var type)) throw Refusal($"unknown manifest '{manifest}'");
        try
        {
            return MessagePackSerializer.Deserialize(type, bytes, _options) ?? throw Refusal($"'{manifest}' holds nothing");
        }
        catch (MessagePackSerializationException e)
        {
            throw Refusal($"'{manifest}' cannot be read: {e.InnerException?.Message ?? e.Message}");
        }
    }

    static SerializationException Refusal(string why)
    {
        Interlocked.Increment(ref s_refused);
        return new SerializationException(why);
    }
}
