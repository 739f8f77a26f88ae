using System.Buffers;
using System.Runtime.InteropServices;
using Akka.Actor;
using AlexNetActors.Compute;
using AlexNetActors.Data;
using AlexNetActors.Model;
using MessagePack;
using MessagePack.Formatters;
using MessagePack.Resolvers;

namespace AlexNetActors.Actors;

/// <summary>How the types of the layers below, which know nothing of MessagePack, are written. Every one an array with a fixed length.</summary>
static class Formatters
{
    public static MessagePackSerializerOptions Options(ExtendedActorSystem system) =>
        MessagePackSerializerOptions.Standard
            .WithSecurity(MessagePackSecurity.UntrustedData)
            .WithResolver(CompositeResolver.Create(
                [new PassIdFormatter(), new ExchangeIdFormatter(), new ScoreFormatter(), new RunProgressFormatter(), new StepRecordsFormatter(), new LedgerFormatter(), new PortionFormatter(), new BatchFormatter(), new ActorRefFormatter(system)],
                [BuiltinResolver.Instance, DynamicEnumResolver.Instance, DynamicGenericResolver.Instance, AttributeFormatterResolver.Instance, DynamicObjectResolver.Instance]));

    static void Expect(ref MessagePackReader reader, int length, string what)
    {
        int found = reader.ReadArrayHeader();
        if (found != length) throw new MessagePackSerializationException($"{what} has {length} fields, got {found}");
    }

    /// <summary>Two numbers: the upper half and the lower.</summary>
    static void Write(ref MessagePackWriter writer, RecordSum sum)
    {
        writer.Write((ulong)(sum.Value >> 64));
        writer.Write((ulong)sum.Value);
    }

    static RecordSum ReadSum(ref MessagePackReader reader) => new(new UInt128(reader.ReadUInt64(), reader.ReadUInt64()));

    sealed class PassIdFormatter : IMessagePackFormatter<PassId>
    {
        public void Serialize(ref MessagePackWriter writer, PassId value, MessagePackSerializerOptions options)
        {
            writer.WriteArrayHeader(3);
            writer.Write(value.Generation);
            writer.Write((byte)value.Kind);
            writer.Write(value.Number);
        }

        public PassId Deserialize(ref MessagePackReader reader, MessagePackSerializerOptions options)
        {
            Expect(ref reader, 3, nameof(PassId));
            return new PassId(reader.ReadInt32(), (PassKind)reader.ReadByte(), reader.ReadInt64());
        }
    }

    sealed class ExchangeIdFormatter : IMessagePackFormatter<ExchangeId>
    {
        public void Serialize(ref MessagePackWriter writer, ExchangeId value, MessagePackSerializerOptions options)
        {
            writer.WriteArrayHeader(3);
            options.Resolver.GetFormatterWithVerify<PassId>().Serialize(ref writer, value.Pass, options);
            writer.Write((byte)value.Kind);
            writer.Write(value.Segment);
        }

        public ExchangeId Deserialize(ref MessagePackReader reader, MessagePackSerializerOptions options)
        {
            Expect(ref reader, 3, nameof(ExchangeId));
            return new ExchangeId(options.Resolver.GetFormatterWithVerify<PassId>().Deserialize(ref reader, options), (ExchangeKind)reader.ReadByte(), reader.ReadByte());
        }
    }

    sealed class ScoreFormatter : IMessagePackFormatter<Score>
    {
        public void Serialize(ref MessagePackWriter writer, Score value, MessagePackSerializerOptions options)
        {
            writer.WriteArrayHeader(4);
            writer.Write(value.Images);
            writer.Write(value.LossSum);
            writer.Write(value.Top1Errors);
            writer.Write(value.Top5Errors);
        }

        public Score Deserialize(ref MessagePackReader reader, MessagePackSerializerOptions options)
        {
            Expect(ref reader, 4, nameof(Score));
            return new Score(reader.ReadInt32(), reader.ReadDouble(), reader.ReadInt32(), reader.ReadInt32());
        }
    }

    sealed class StepRecordsFormatter : IMessagePackFormatter<StepRecords?>
    {
        public void Serialize(ref MessagePackWriter writer, StepRecords? value, MessagePackSerializerOptions options)
        {
            if (value is null)
            {
                writer.WriteNil();
                return;
            }
            writer.WriteArrayHeader(2);
            writer.Write(value.Order);
            writer.WriteArrayHeader(4 * value.Shares.Count);
            foreach (var share in value.Shares)
            {
                writer.Write(share.Epoch);
                writer.Write(share.Count);
                Write(ref writer, share.Sum);
            }
        }

        public StepRecords? Deserialize(ref MessagePackReader reader, MessagePackSerializerOptions options)
        {
            if (reader.TryReadNil()) return null;
            Expect(ref reader, 2, nameof(StepRecords));
            ulong order = reader.ReadUInt64();
            int fields = reader.ReadArrayHeader();
            if (fields % 4 != 0) throw new MessagePackSerializationException($"{fields} fields are not whole shares of epochs");
            var shares = new EpochShare[fields / 4];
            for (int i = 0; i < shares.Length; i++)
                shares[i] = new EpochShare(reader.ReadInt64(), reader.ReadInt32(), ReadSum(ref reader));
            return new StepRecords(order, shares);
        }
    }

    sealed class LedgerFormatter : IMessagePackFormatter<Ledger?>
    {
        public void Serialize(ref MessagePackWriter writer, Ledger? value, MessagePackSerializerOptions options)
        {
            writer.WriteArrayHeader(4);
            writer.Write(value!.Epochs);
            writer.Write(value.Count);
            Write(ref writer, value.Sum);
        }

        public Ledger Deserialize(ref MessagePackReader reader, MessagePackSerializerOptions options)
        {
            Expect(ref reader, 4, nameof(Ledger));
            return new Ledger(reader.ReadInt64(), reader.ReadInt32(), ReadSum(ref reader));
        }
    }

    sealed class RunProgressFormatter : IMessagePackFormatter<RunProgress?>
    {
        const int Fields = 12;

        public void Serialize(ref MessagePackWriter writer, RunProgress? value, MessagePackSerializerOptions options)
        {
            writer.WriteArrayHeader(Fields);
            writer.Write(value!.Steps);
            writer.Write(value.Schedule.Rate);
            writer.Write(value.Schedule.Reductions);
            writer.Write(value.Schedule.Best);
            writer.Write(value.Schedule.Waited);
            writer.Write(value.Schedule.Finished);
            writer.Write(value.EpochsValidated);
            writer.Write(value.StepsSaved);
            writer.Write(value.BestError);
            writer.Write(value.BestSteps);
            writer.Write(value.ValidatedSteps);
            options.Resolver.GetFormatterWithVerify<Ledger>().Serialize(ref writer, value.Ledger, options);
        }

        public RunProgress Deserialize(ref MessagePackReader reader, MessagePackSerializerOptions options)
        {
            Expect(ref reader, Fields, nameof(RunProgress));
            long steps = reader.ReadInt64();
            var schedule = new ScheduleState(reader.ReadSingle(), reader.ReadInt32(), reader.ReadDouble(), reader.ReadInt32(), reader.ReadBoolean());
            return new RunProgress(steps, schedule, reader.ReadInt64(), reader.ReadInt64(), reader.ReadDouble(), reader.ReadInt64())
            {
                ValidatedSteps = reader.ReadInt64(),
                Ledger = options.Resolver.GetFormatterWithVerify<Ledger>().Deserialize(ref reader, options),
            };
        }
    }

    /// <summary>Canonical values as one binary block, little-endian: an array of numbers would cost five bytes each.</summary>
    sealed class PortionFormatter : IMessagePackFormatter<Portion?>
    {
        public void Serialize(ref MessagePackWriter writer, Portion? value, MessagePackSerializerOptions options) =>
            writer.Write(MemoryMarshal.AsBytes(value!.Values(ChannelOrder.Canonical).Span));

        public Portion Deserialize(ref MessagePackReader reader, MessagePackSerializerOptions options)
        {
            var bytes = reader.ReadBytes() ?? throw new MessagePackSerializationException("floats are missing");
            if (bytes.Length % 4 != 0) throw new MessagePackSerializationException($"{bytes.Length} bytes are not whole floats");
            var floats = new float[bytes.Length / 4];
            bytes.CopyTo(MemoryMarshal.AsBytes(floats.AsSpan()));
            return new Portion(floats, ChannelOrder.Canonical);
        }
    }

    sealed class BatchFormatter : IMessagePackFormatter<Batch?>
    {
        public void Serialize(ref MessagePackWriter writer, Batch? value, MessagePackSerializerOptions options)
        {
            writer.WriteArrayHeader(7);
            writer.Write(value!.Size);
            writer.Write(value.CropSize);
            writer.Write(value.Pixels);
            writer.WriteArrayHeader(3 * value.Placements.Length);
            foreach (var p in value.Placements)
            {
                writer.Write(p.Top);
                writer.Write(p.Left);
                writer.Write(p.Mirrored);
            }
            writer.Write(MemoryMarshal.AsBytes(value.ColourShift.AsSpan()));
            writer.Write(MemoryMarshal.AsBytes(value.Labels.AsSpan()));
            writer.Write(MemoryMarshal.AsBytes(value.Records.AsSpan()));
        }

        public Batch Deserialize(ref MessagePackReader reader, MessagePackSerializerOptions options)
        {
            Expect(ref reader, 7, nameof(Batch));
            int images = reader.ReadInt32(), crop = reader.ReadInt32();
            const int imagesMax = 1 << 16, cropMax = 1 << 12;
            if (images is < 1 or > imagesMax || crop is < 1 or > cropMax) throw new MessagePackSerializationException($"a batch of {images} crops of {crop} pixels");
            var batch = new Batch(images, crop);
            Fill(ref reader, batch.Pixels.AsSpan());
            Expect(ref reader, 3 * images, nameof(Placement));
            for (int i = 0; i < images; i++) batch.Placements[i] = new Placement(reader.ReadInt32(), reader.ReadInt32(), reader.ReadBoolean());
            Fill(ref reader, batch.ColourShift.AsSpan());
            Fill(ref reader, batch.Labels.AsSpan());
            Fill(ref reader, batch.Records.AsSpan());
            return batch;
        }

        static void Fill<T>(ref MessagePackReader reader, Span<T> destination) where T : struct
        {
            var bytes = reader.ReadBytes() ?? throw new MessagePackSerializationException("part of a batch is missing");
            var target = MemoryMarshal.AsBytes(destination);
            if (bytes.Length != target.Length) throw new MessagePackSerializationException($"part of a batch has {bytes.Length} bytes, wanted {target.Length}");
            bytes.CopyTo(target);
        }
    }

    sealed class ActorRefFormatter(ExtendedActorSystem system) : IMessagePackFormatter<IActorRef?>
    {
        public void Serialize(ref MessagePackWriter writer, IActorRef? value, MessagePackSerializerOptions options) =>
            writer.Write(Akka.Serialization.Serialization.SerializedActorPath(value));

        public IActorRef Deserialize(ref MessagePackReader reader, MessagePackSerializerOptions options) =>
            system.Provider.ResolveActorRef(reader.ReadString());
    }
}
