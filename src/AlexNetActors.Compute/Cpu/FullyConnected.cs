using System.Runtime.CompilerServices;

namespace AlexNetActors.Compute.Cpu;

/// <summary>
/// Fully connected, forward: neurons x images. Inputs are taken some at a time, so that those of all images stay in the cache while the
/// weights pass by once.
/// </summary>
internal unsafe struct FullyConnected : IWork
{
    /// <summary>Inputs in one chain. Part of the definition of the sum: the same for every level.</summary>
    const int InputsTogether = 512;

    public float* Input; // [B / 32][I][32]
    public int ImageBlocks, Inputs, Neurons;
    public float* Weights; // [O / 32][I][32]
    public float* Bias; // [O]
    public bool Rectify;
    public float* Output; // [B / 32][O][32]

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run<TVector>(int part, int parts) where TVector : struct, ISimdVector<TVector>
    {
        var (from, to) = IWork.Share(CpuTensor.BlocksOf32(Neurons), part, parts);
        for (int i = 0; i < Inputs; i += InputsTogether)
        {
            int inputs = Math.Min(InputsTogether, Inputs - i);
            for (int neuronBlock = from; neuronBlock < to; neuronBlock++)
            {
                int neurons = Math.Min(32, Neurons - neuronBlock * 32);
                for (int o = 0, rows; o < neurons; o += rows)
                {
                    rows = Tiling.NextRows<TVector>(neurons - o, vectors: 2);
                    for (int imageBlock = 0; imageBlock < ImageBlocks; imageBlock++)
                    {
                        if (o == 0) Cache.PrefetchPart(Weights + ((nint)(neuronBlock + 1) * Inputs + i) * 32, inputs * 32, imageBlock, ImageBlocks);
                        Tiling.Run<TVector, ColumnsContiguous>(rows, 32, new Product
                        {
                            Runs = 1,
                            Steps = inputs,
                            A = Weights + ((nint)neuronBlock * Inputs + i) * 32 + o,
                            AStep = 32,
                            B = Input + ((nint)imageBlock * Inputs + i) * 32,
                            BStep = 32,
                            C = Output + ((nint)imageBlock * Neurons + neuronBlock * 32 + o) * 32,
                            CRow = 32,
                            Bias = i == 0 ? Bias + neuronBlock * 32 + o : null,
                            Add = i > 0,
                            Rectify = Rectify && i + inputs == Inputs,
                        });
                    }
                }
            }
        }
    }
}

/// <summary>Fully connected, gradient by the input: inputs x images, summed over neurons, some blocks of 32 at a time.</summary>
internal unsafe struct FullyConnectedBackwardInput : IWork
{
    /// <summary>Blocks of neurons in one chain. Part of the definition of the sum.</summary>
    const int NeuronBlocksTogether = 16;

    public float* DOutput; // [B / 32][O][32]
    public int ImageBlocks, Inputs, Neurons;
    public float* Weights; // [O / 32][I][32]
    public float* DInput; // [B / 32][I][32]

    public readonly void Run<TVector>(int part, int parts) where TVector : struct, ISimdVector<TVector>
    {
        var (from, to) = IWork.Share(Inputs, part, parts);
        int whole = Neurons / 32;
        for (int block = 0; block < whole; block += NeuronBlocksTogether)
            Add<TVector>(from, to, block, Math.Min(NeuronBlocksTogether, whole - block), 32);
        if (Neurons % 32 > 0) Add<TVector>(from, to, whole, 1, Neurons % 32);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    readonly void Add<TVector>(int from, int to, int neuronBlock, int blocks, int neurons) where TVector : struct, ISimdVector<TVector>
    {
        for (int i = from, rows; i < to; i += rows)
        {
            rows = Tiling.NextRows<TVector>(to - i, vectors: 2);
            for (int imageBlock = 0; imageBlock < ImageBlocks; imageBlock++)
            {
                for (int block = 0; block < blocks; block++)
                    Cache.PrefetchPart(Weights + ((nint)(neuronBlock + block) * Inputs + i + rows) * 32, rows * 32, imageBlock, ImageBlocks);
                Tiling.Run<TVector, RowsOf32>(rows, 32, new Product
                {
                    Runs = blocks,
                    Steps = neurons,
                    A = Weights + ((nint)neuronBlock * Inputs + i) * 32,
                    ARun = (nint)Inputs * 32,
                    AStep = 1,
                    B = DOutput + ((nint)imageBlock * Neurons + neuronBlock * 32) * 32,
                    BRun = 32 * 32,
                    BStep = 32,
                    C = DInput + ((nint)imageBlock * Inputs + i) * 32,
                    CRow = 32,
                    Add = neuronBlock > 0,
                });
            }
        }
    }
}

/// <summary>A fully connected gradient by the output into [O / 32][B / 32][32 images][32 neurons]; neurons past O are zero.</summary>
internal unsafe struct TransposeNeurons : IWork
{
    public float* DOutput; // [B / 32][O][32]
    public int ImageBlocks, Neurons;
    public float* Transposed;

    public readonly void Run<TVector>(int part, int parts) where TVector : struct, ISimdVector<TVector>
    {
        var (from, to) = IWork.Share((long)CpuTensor.BlocksOf32(Neurons) * ImageBlocks, part, parts);
        for (int unit = from; unit < to; unit++)
        {
            int neuronBlock = unit / ImageBlocks, imageBlock = unit % ImageBlocks, neurons = Math.Min(32, Neurons - neuronBlock * 32);
            float* destination = Transposed + (nint)unit * 32 * 32;
            if (neurons < 32) new Span<float>(destination, 32 * 32).Clear();
            Transpose.Copy(DOutput + ((nint)imageBlock * Neurons + neuronBlock * 32) * 32, 32, neurons, 32, destination, 32);
        }
    }
}

/// <summary>Fully connected, gradient by the weights and the bias: inputs x neurons, one chain over all images.</summary>
internal unsafe struct FullyConnectedBackwardWeights : IWork
{
    /// <summary>Inputs that stay in the cache while the blocks of neurons pass by.</summary>
    const int InputsTogether = 384;

    public float* Input; // [B / 32][I][32]
    public int ImageBlocks, Inputs, Neurons;
    public float* Transposed; // [O / 32][B / 32][32 images][32 neurons]
    public float* Ones; // [32]
    public float* DWeights; // [O / 32][I][32]
    public float* DBias; // [O]

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run<TVector>(int part, int parts) where TVector : struct, ISimdVector<TVector>
    {
        int neuronBlocks = CpuTensor.BlocksOf32(Neurons);
        var product = new Product { Runs = ImageBlocks, Steps = 32, ARun = (nint)Inputs * 32, AStep = 1, BRun = 32 * 32, BStep = 32, CRow = 32 };
        var (from, to) = IWork.Share(Inputs, part, parts);
        for (int first = from; first < to; first += InputsTogether)
            for (int neuronBlock = 0; neuronBlock < neuronBlocks; neuronBlock++)
            {
                int last = Math.Min(to, first + InputsTogether);
                product.B = Transposed + (nint)neuronBlock * ImageBlocks * 32 * 32;
                for (int i = first, rows; i < last; i += rows)
                {
                    rows = Tiling.NextRows<TVector>(last - i, vectors: 2);
                    product.A = Input + (nint)i * 32;
                    product.C = DWeights + ((nint)neuronBlock * Inputs + i) * 32;
                    Tiling.Run<TVector, RowsOf32>(rows, 32, product);
                }
            }
        product.A = Ones;
        product.ARun = 0;
        (from, to) = IWork.Share(neuronBlocks, part, parts);
        for (int neuronBlock = from; neuronBlock < to; neuronBlock++)
        {
            product.B = Transposed + (nint)neuronBlock * ImageBlocks * 32 * 32;
            product.C = DBias + neuronBlock * 32;
            Tiling.Run<TVector, RowsOf32>(1, 32, product);
        }
    }
}
