using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Configuration;
using Akka.Serialization;

namespace AlexNetActors.Actors;

/// <summary>
/// Takes the place of a serializer of Akka's that creates types by the name that a message brings: whoever may send to it may run what he likes.
/// Nothing can be read or written through it; within a process messages are handed over by reference and never come here.
/// </summary>
/// <param name="system">Not used; Akka asks for it.</param>
/// <param name="settings">akka.actor.serialization-settings.NAME: identifier, that of the serializer it replaces.</param>
public sealed class RefusedSerializer(ExtendedActorSystem system, Config settings) : Serializer(system)
{
    public override int Identifier { get; } = settings.GetInt("identifier");

    public override bool IncludeManifest => false;

    public override byte[] ToBinary(object obj) => throw new SerializationException($"{obj.GetType().Name} is no message that may leave this process");

    public override object FromBinary(byte[] bytes, Type type) => throw new SerializationException($"serializer {Identifier} is refused: it would create any type by its name");
}
