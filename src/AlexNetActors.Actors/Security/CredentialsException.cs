namespace AlexNetActors.Actors;

/// <summary>Certificates that cannot be used or made: one line that says what is wrong, where, and what to do.</summary>
public sealed class CredentialsException(string message) : Exception(message);
