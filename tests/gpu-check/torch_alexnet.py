"""PyTorch's part of the GPU check. Runs on 1.13 and on 2.x, on CUDA and on the processor.

    torch_alexnet.py facts                           what PyTorch is here, and where its cuBLAS lies
    torch_alexnet.py serve NETWORK.json cuda|cpu     a line asks, a line of JSON answers, until standard input ends:
        train VARIANT BATCH SECONDS                      trains for so long; the first time it builds the network and warms up
        free                                             gives the networks and their memory back
        ceilings SIZE MEGABYTES                          matrix products of SIZE^3 and copies of so much: the most this device gives
    torch_alexnet.py warm NETWORK.json cuda|cpu BATCH...   compiles what the compiled variants need into the compiler's cache

NETWORK.json is the recipe as `AlexNetActors.Benchmarks gpu-network` writes it. A VARIANT is three words joined by dashes:

    nchw, nhwc, banded, compiled    eager as shipped; channels_last; channels_last with the normalisation's sum as a 1x1 convolution by a
                                    banded matrix, the fastest eager way that was found; torch.compile
    float32, tf32

Two groups are two towers: conv2, conv4 and conv5 have groups=2, conv3 and the fully connected layers see all. Normalisation runs over the
channels of both towers, which costs the same and spares PyTorch a copy. The batch lies on the device as float32. cudnn.benchmark is on.
"""
import gc
import json
import math
import os
import sys
import time
import traceback

import torch
import torch.nn as nn
import torch.nn.functional as F

WARM_STEPS = 3
STEPS_MIN = 3
RATE = 1e-6  # small: a batch that never changes must not change what kind of numbers there are


class BandedNorm(nn.Module):
    """Local response normalisation; the sum over a window of channels is a 1x1 convolution."""

    def __init__(self, channels, k, alpha, window):
        super().__init__()
        at = torch.arange(channels)
        band = (at[:, None] - at[None, :]).abs() <= window // 2
        self.register_buffer("band", (band.float() * alpha)[:, :, None, None])
        self.register_buffer("k", torch.full((channels,), float(k)))

    def forward(self, x):
        root = F.conv2d(x * x, self.band, self.k).rsqrt()
        return x * root * root.sqrt()  # y^-0.75


def build(network, banded):
    """The layer table as one grouped network."""
    response, side, channels, layers, flat = network["response"], network["input"], 3, [], False
    for i, spec in enumerate(network["layers"]):
        last = i == len(network["layers"]) - 1
        if spec["size"] == 0:
            if not flat:
                layers.append(nn.Flatten())
            layer = nn.Linear(channels if flat else channels * side * side, spec["kernels"])
            flat = True
        else:
            groups = 1 if i == 0 or spec["seesBoth"] else 2
            layer = nn.Conv2d(channels, spec["kernels"], spec["size"], spec["stride"], spec["pad"], groups=groups)
            side = (side + 2 * spec["pad"] - spec["size"]) // spec["stride"] + 1
        channels = spec["kernels"]
        nn.init.normal_(layer.weight, 0, spec["deviation"])
        nn.init.constant_(layer.bias, spec["bias"])
        layers.append(layer)
        if not last:
            layers.append(nn.ReLU(inplace=True))
        if spec["normalize"]:
            if banded:
                layers.append(BandedNorm(channels, response["k"], response["alpha"], response["window"]))
            else:  # torch multiplies the mean of the window by alpha, the paper the sum
                layers.append(nn.LocalResponseNorm(response["window"], response["alpha"] * response["window"], 0.75, response["k"]))
        if spec["pool"]:
            layers.append(nn.MaxPool2d(3, 2))
            side = (side - 3) // 2 + 1
        if spec["dropout"]:
            layers.append(nn.Dropout(spec["dropout"]))
    return nn.Sequential(*layers)


def optimizer_of(model, network, device):
    """Momentum and decay of the recipe, biases without decay, in the fewest kernels this version has."""
    groups = [
        {"params": [p for n, p in model.named_parameters() if n.endswith("weight")], "weight_decay": network["weightDecay"]},
        {"params": [p for n, p in model.named_parameters() if n.endswith("bias")], "weight_decay": 0.0},
    ]
    if device.type == "cuda":
        try:
            return torch.optim.SGD(groups, lr=RATE, momentum=network["momentum"], fused=True)
        except (TypeError, RuntimeError):  # before 2.3
            pass
    return torch.optim.SGD(groups, lr=RATE, momentum=network["momentum"])


class Trainer:
    """One variant on one batch."""

    def __init__(self, network, variant, batch, device):
        how, precision = variant.split("-")
        self.tf32, self.batch, self.device, side = precision == "tf32", batch, device, network["input"]
        if self.tf32 and not has_tf32(device):
            raise RuntimeError("no TF32 here: it takes CUDA and compute capability 8.0 or newer")
        set_precision(self.tf32)
        torch.manual_seed(network["seed"])
        model = build(network, banded=how == "banded").to(device)
        self.x = torch.randint(0, 256, (batch, 3, side, side), device=device).float() - 127.5
        self.y = torch.arange(batch, device=device) % network["classes"]
        if how in ("nhwc", "banded"):
            model = model.to(memory_format=torch.channels_last)
            self.x = self.x.contiguous(memory_format=torch.channels_last)
        self.optimizer = optimizer_of(model, network, device)

        def loss_of(x, y):
            return F.cross_entropy(model(x), y)

        if how == "compiled":
            if not hasattr(torch, "compile"):
                raise RuntimeError(f"PyTorch {torch.__version__} has no torch.compile")
            loss_of = torch.compile(loss_of, dynamic=False)
        self.loss_of = loss_of

    def step(self):
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.loss_of(self.x, self.y)
        loss.backward()
        self.optimizer.step()
        return loss.detach()

    def steps(self, count):
        """Seconds of so many steps, queued one behind the other, and the last one's loss."""
        synchronize(self.device)
        start = time.perf_counter()
        for _ in range(count):
            loss = self.step()
        synchronize(self.device)
        return time.perf_counter() - start, loss.item()

    def train(self, seconds):
        set_precision(self.tf32)
        self.steps(WARM_STEPS - 1)  # the first ones also choose algorithms
        step, loss = self.steps(1)
        count = max(STEPS_MIN, math.ceil(seconds / step)) if seconds > 0 else 1
        took, loss = self.steps(count)
        answer = {"imagesPerSecond": count * self.batch / took, "steps": count, "loss": loss if math.isfinite(loss) else None}
        empty_cache(self.device)  # another program wants the memory until the next round
        return answer


def has_tf32(device):
    return device.type == "cuda" and torch.cuda.get_device_capability()[0] >= 8


def set_precision(tf32):
    torch.backends.cuda.matmul.allow_tf32 = tf32
    torch.backends.cudnn.allow_tf32 = tf32
    torch.backends.cudnn.benchmark = True


def synchronize(device):
    if device.type == "cuda":
        torch.cuda.synchronize()


def empty_cache(device):
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()


def ceilings(device, size, megabytes):
    """Floating point operations and bytes a second, the best of several; bytes read and bytes written both count."""

    def best(run, work):
        run()
        rates = []
        for _ in range(5):
            synchronize(device)
            start = time.perf_counter()
            for _ in range(4):
                run()
            synchronize(device)
            rates.append(4 * work / (time.perf_counter() - start))
        return max(rates)

    def product(tf32):
        set_precision(tf32)
        return best(lambda: torch.matmul(a, b, out=c), 2 * size**3)

    a, b = torch.randn(size, size, device=device), torch.randn(size, size, device=device)
    c = torch.empty(size, size, device=device)
    source = torch.randn(megabytes * 250_000, device=device)
    target = torch.empty_like(source)
    return {
        "float32": product(False),
        "tf32": product(True) if has_tf32(device) else None,
        "copy": best(lambda: target.copy_(source), 2 * source.numel() * 4),
    }


def answer_to(words, trainers, network, device):
    if words[0] == "ceilings":
        return ceilings(device, int(words[1]), int(words[2]))
    if words[0] == "free":
        trainers.clear()
        empty_cache(device)
        return {}
    variant, batch, seconds = words[1], int(words[2]), float(words[3])
    if (variant, batch) not in trainers:
        trainers[variant, batch] = Trainer(network, variant, batch, device)
    return trainers[variant, batch].train(seconds)


def serve(network, device):
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what others print must not look like an answer
    trainers = {}
    for line in sys.stdin:
        try:
            answer = answer_to(line.split(), trainers, network, device)
        except Exception as e:  # whatever a version, a driver or a missing compiler says is this variant's result
            traceback.print_exc()
            answer = {"error": " ".join([type(e).__name__ + ":"] + str(e).split("\n")[:2])[:300]}
        print(json.dumps(answer), file=answers, flush=True)


def warm(network, device, batches):
    for batch in batches:
        for variant in ("compiled-float32", "compiled-tf32"):
            start = time.perf_counter()
            try:
                Trainer(network, variant, batch, device).steps(1)
                print(f"{variant}, batch {batch}: compiled in {time.perf_counter() - start:.1f} s", flush=True)
            except Exception:  # the one that asks for it later tells why
                traceback.print_exc()
            empty_cache(device)


def facts():
    print(f"version: {torch.__version__}")
    if torch.cuda.is_available():
        torch.ones(8, 8, device="cuda").mm(torch.ones(8, 8, device="cuda"))  # cuBLAS is loaded now
        print(f"device: {torch.cuda.get_device_name()}, CUDA {torch.version.cuda}, cuDNN {torch.backends.cudnn.version()}")
        with open("/proc/self/maps") as maps:
            libraries = [line.split()[-1] for line in maps if "/libcublas.so" in line]
        if libraries:
            print(f"cublas: {os.path.dirname(libraries[0])}")
    else:
        print("device: no CUDA")


def main(command, *arguments):
    if command == "facts":
        return facts()
    with open(arguments[0]) as file:
        network = json.load(file)
    device = torch.device(arguments[1])
    if command == "serve":
        return serve(network, device)
    warm(network, device, [int(batch) for batch in arguments[2:]])


if __name__ == "__main__":
    main(*sys.argv[1:])
