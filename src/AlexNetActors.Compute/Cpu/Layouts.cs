using System.Runtime.CompilerServices;

namespace AlexNetActors.Compute.Cpu;

internal enum CopyDirection { ToDevice, FromDevice }

/// <summary>Some channels of an activation from or to canonical order.</summary>
internal unsafe struct CopyActivation : IWork
{
    /// <summary>Channels that a part takes together where there is one pixel only.</summary>
    const int ChannelsTogether = 64;

    public CopyDirection Direction;
    public float* Canonical; // [B][channels][H][W]
    public int Images, Channels, Pixels;
    public float* Activation; // from the first channel on, [B / 32][H * W][C][32]
    public int C;

    public readonly void Run<TVector>(int part, int parts) where TVector : struct, ISimdVector<TVector>
    {
        int channelsTogether = Pixels == 1 ? ChannelsTogether : 1, groups = (Channels + channelsTogether - 1) / channelsTogether;
        var (from, to) = IWork.Share((long)CpuTensor.BlocksOf32(Images) * groups, part, parts);
        for (int unit = from; unit < to; unit++)
        {
            int block = unit / groups, c = unit % groups * channelsTogether, images = Math.Min(32, Images - block * 32);
            // One pixel and many channels, or one channel and many pixels: a matrix of images either way.
            int features = Pixels == 1 ? Math.Min(channelsTogether, Channels - c) : Pixels;
            nint feature = Pixels == 1 ? 32 : C * 32, image = (nint)Channels * Pixels;
            float* canonical = Canonical + (nint)block * 32 * image + (nint)c * Pixels, activation = Activation + ((nint)block * Pixels * C + c) * 32;
            if (Direction == CopyDirection.ToDevice) Transpose.Copy(canonical, image, images, features, activation, feature);
            else Transpose.Copy(activation, feature, features, images, canonical, image);
        }
    }
}

/// <summary>Weights from or to canonical order [K][C][R][S].</summary>
internal unsafe struct CopyWeights : IWork
{
    /// <summary>Channels that a part takes together.</summary>
    const int ChannelsTogether = 64;

    public CopyDirection Direction;
    public float* Canonical;
    public int Kernels, Channels, Taps, KernelsTogether;
    public float* Weights; // [K / together][R * S][C][together]

    public readonly void Run<TVector>(int part, int parts) where TVector : struct, ISimdVector<TVector>
    {
        int groups = (Channels + ChannelsTogether - 1) / ChannelsTogether, blocks = (Kernels + KernelsTogether - 1) / KernelsTogether;
        var (from, to) = IWork.Share((long)blocks * groups, part, parts);
        for (int unit = from; unit < to; unit++)
        {
            int k = unit / groups * KernelsTogether, c = unit % groups * ChannelsTogether;
            Copy(k, Math.Min(KernelsTogether, Kernels - k), c, Math.Min(ChannelsTogether, Channels - c));
        }
    }

    /// <summary>Some channels of kernels that lie next to each other: one tap and many channels, or one channel and many taps, are a matrix of kernels either way.</summary>
    public readonly void Copy(int k, int kernels, int c, int channels)
    {
        float* canonical = Canonical + ((nint)k * Channels + c) * Taps, weights = Weights + ((nint)(k / KernelsTogether) * Taps * Channels + c) * KernelsTogether + k % KernelsTogether;
        if (Taps == 1) Copy(canonical, kernels, weights, KernelsTogether, channels);
        else
            for (nint i = 0; i < channels; i++) Copy(canonical + i * Taps, kernels, weights + i * KernelsTogether, (nint)Channels * KernelsTogether, Taps);
    }

    readonly void Copy(float* canonical, int kernels, float* weights, nint feature, int features)
    {
        nint kernel = (nint)Channels * Taps;
        if (Direction == CopyDirection.ToDevice) Transpose.Copy(canonical, kernel, kernels, features, weights, feature);
        else Transpose.Copy(weights, feature, features, kernels, canonical, kernel);
    }
}

/// <summary>Some channels of every pixel of an activation into another of the same size, or added to it.</summary>
internal unsafe struct CopyChannels : IWork
{
    public bool Add;
    public float* Source; // from its first channel on, [pixels][C][32]
    public int SourceChannels, Channels, Pixels;
    public float* Destination;
    public int DestinationChannels;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run<TVector>(int part, int parts) where TVector : struct, ISimdVector<TVector>
    {
        var (from, to) = IWork.Share(Pixels, part, parts);
        for (nint p = from; p < to; p++)
        {
            float* source = Source + p * SourceChannels * 32, destination = Destination + p * DestinationChannels * 32;
            if (Add)
                for (int n = 0; n < Channels * 32; n += TVector.Count) TVector.Store(TVector.Load(destination + n) + TVector.Load(source + n), destination + n);
            else
                new Span<float>(source, Channels * 32).CopyTo(new Span<float>(destination, Channels * 32));
        }
    }
}

/// <summary>Zeroes the images past the last in the last block of an activation.</summary>
internal unsafe struct ClearPadding : IWork
{
    public float* LastBlock; // [features][32]
    public int Features, Images;

    public readonly void Run<TVector>(int part, int parts) where TVector : struct, ISimdVector<TVector>
    {
        var (from, to) = IWork.Share(Features, part, parts);
        for (nint f = from; f < to; f++) new Span<float>(LastBlock + f * 32 + Images, 32 - Images).Clear();
    }
}
