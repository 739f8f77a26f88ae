using System.Security.Cryptography;
using System.Text;

namespace AlexNetActors.App;

/// <summary>What has to be known to command a run from its dashboard.</summary>
static class ControlToken
{
    const string Scheme = "Bearer ";

    public static string Draw() => RandomNumberGenerator.GetHexString(24, lowercase: true);

    /// <param name="authorization">The request's header.</param>
    /// <param name="token">What it must name; compared in a time that tells nothing.</param>
    public static bool Matches(string? authorization, string token) =>
        authorization?.StartsWith(Scheme, StringComparison.Ordinal) == true && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(authorization[Scheme.Length..]), Encoding.UTF8.GetBytes(token));
}
