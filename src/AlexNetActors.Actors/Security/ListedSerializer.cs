using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Configuration;
using Akka.Serialization;

namespace AlexNetActors.Actors;

/// <summary>
/// A serializer of Akka's behind a list: only the messages pass that a cluster of ours needs. Left alone, those of odd messages and of system
/// messages also look up types by name, parse configurations, and create exceptions of any type.
/// </summary>
/// <param name="system">The actor system.</param>
/// <param name="settings">akka.actor.serialization-settings.NAME: identifier, that of the serializer it replaces; serializer, its type; messages, the types that pass by their manifests.</param>
public sealed class ListedSerializer(ExtendedActorSystem system, Config settings) : SerializerWithStringManifest(system)
{
    const int DepthMax = 2; // a selection that holds an Identify; endless nesting would end the stack, and with it the process

    [ThreadStatic] static int t_depth;

    readonly Lazy<Listed> _listed = new(() => new Listed(system, settings)); // a system that is in no cluster never loads Akka.Remote

    sealed class Listed(ExtendedActorSystem system, Config settings)
    {
        public Serializer Serializer { get; } = (Serializer)Activator.CreateInstance(Type.GetType(settings.GetString("serializer"), throwOnError: true)!, system)!;

        public Dictionary<string, Type> Types { get; } = settings.GetConfig("messages").AsEnumerable().ToDictionary(m => m.Key, m => Type.GetType(m.Value.GetString(), throwOnError: true)!);
    }

    public override int Identifier { get; } = settings.GetInt("identifier");

    public override string Manifest(object o) =>
        _listed.Value.Types.FirstOrDefault(t => t.Value == o.GetType()).Key ?? throw new SerializationException($"{o.GetType().Name} is no message that may leave this process");

    public override byte[] ToBinary(object obj)
    {
        Manifest(obj);
        return _listed.Value.Serializer.ToBinary(obj);
    }

    public override object FromBinary(byte[] bytes, string manifest)
    {
        if (manifest is null || !_listed.Value.Types.TryGetValue(manifest, out var type)) throw new SerializationException($"serializer {Identifier} does not take '{manifest}'");
        if (t_depth == DepthMax) throw new SerializationException($"messages in messages, more than {DepthMax} deep");
        t_depth++;
        try
        {
            return _listed.Value.Serializer is SerializerWithStringManifest byManifest ? byManifest.FromBinary(bytes, manifest) : _listed.Value.Serializer.FromBinary(bytes, type);
        }
        finally
        {
            t_depth--;
        }
    }
}
