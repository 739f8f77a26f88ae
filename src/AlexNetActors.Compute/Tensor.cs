namespace AlexNetActors.Compute;

/// <summary>
/// Float32 memory of one device. The order of elements inside is the device's own;
/// <see cref="IDevice.Write"/> and <see cref="IDevice.Read"/> translate from and to canonical row-major order of <see cref="Shape"/>.
/// </summary>
public abstract class Tensor(Shape shape)
{
    public Shape Shape { get; } = shape;
}
