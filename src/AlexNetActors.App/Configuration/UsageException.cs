namespace AlexNetActors.App;

/// <summary>The command was used wrongly: one line that says what, where, and what to do. Exit code 2.</summary>
class UsageException(string message) : Exception(message);
