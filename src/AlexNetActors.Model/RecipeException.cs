namespace AlexNetActors.Model;

/// <summary>A recipe that cannot be run: one line that says what is wrong, where, and what to do.</summary>
public sealed class RecipeException(string message) : Exception(message);
