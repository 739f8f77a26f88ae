using Akka.Actor;
using Akka.Configuration;
using Akka.Serialization;

namespace AlexNetActors.Cluster.Tests;

/// <summary>A message whose bytes on the wire are chosen freely.</summary>
sealed record Forged(string Manifest, byte[] Bytes);

/// <summary>Writes <see cref="Forged"/> messages under the identity of another serializer.</summary>
sealed class ForgingSerializer(ExtendedActorSystem system, Config settings) : SerializerWithStringManifest(system)
{
    public override int Identifier { get; } = settings.GetInt("identifier");

    public override string Manifest(object o) => ((Forged)o).Manifest;

    public override byte[] ToBinary(object obj) => ((Forged)obj).Bytes;

    public override object FromBinary(byte[] bytes, string manifest) => new AlexNetActors.Actors.ProtocolSerializer(system).FromBinary(bytes, manifest); // the answers to it
}
