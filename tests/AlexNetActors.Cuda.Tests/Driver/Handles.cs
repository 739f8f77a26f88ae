namespace AlexNetActors.Cuda.Tests.Driver;

/// <summary>What the driver gives out pointers to that mean nothing to anybody else.</summary>
static class Handles
{
    const int First = 0x1000, Step = 0x10;

    static readonly Dictionary<nint, object> Given = [];
    static nint _next = First;

    public static nint Add(object thing)
    {
        Given.Add(_next += Step, thing);
        return _next;
    }

    public static T Get<T>(nint handle) where T : class =>
        Given.GetValueOrDefault(handle) as T ?? throw new CudaRefusal(CudaResult.InvalidHandle, $"{handle:x} is no {typeof(T).Name}{(handle >= First && handle <= _next ? " any more" : "")}");

    public static T Remove<T>(nint handle) where T : class
    {
        var thing = Get<T>(handle);
        Given.Remove(handle);
        return thing;
    }

    public static IEnumerable<T> All<T>() => Given.Values.OfType<T>();
}
