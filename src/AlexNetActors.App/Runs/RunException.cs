namespace AlexNetActors.App;

/// <summary>A run that cannot go on: one line that says what, where, and what to do. Exit code 1.</summary>
sealed class RunException(string message) : Exception(message);
