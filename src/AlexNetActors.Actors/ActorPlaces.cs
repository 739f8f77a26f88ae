using Akka.Actor;

namespace AlexNetActors.Actors;

/// <summary>Whether an actor lives in this process: what it is told then goes by reference.</summary>
static class ActorPlaces
{
    public static bool IsHere(this IActorRef actor) => actor is IInternalActorRef { IsLocal: true };
}
