"""The same training steps in PyTorch on one thread, for bench/train.ts.

Prints JSON: the steps as [name, medianMs], and what PyTorch computes with. With a slow BLAS PyTorch is a poor
reference, so its speed at plain matrix products is measured too.
"""
import json
import math
import statistics
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(1)


class LeNet(nn.Module):
    def __init__(self, spec):
        super().__init__()
        side = lambda length: (length // 2 - 4) // 2
        self.conv0 = nn.Conv2d(spec["channels"], 6, 5, padding=2)
        self.conv1 = nn.Conv2d(6, 16, 5)
        self.dense = nn.Sequential(
            nn.Linear(16 * side(spec["height"]) * side(spec["width"]), 120),
            nn.ReLU(),
            nn.Linear(120, 84),
            nn.ReLU(),
            nn.Linear(84, spec["outputs"]),
        )

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv0(x)), 2)
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        return self.dense(x.flatten(1))


class GnLeNet(nn.Module):
    def __init__(self, spec):
        super().__init__()
        channels = [spec["channels"], 32, 32, 64]
        pairs = list(zip(channels, channels[1:]))
        self.convs = nn.ModuleList(nn.Conv2d(a, b, 5, padding=2) for a, b in pairs)
        self.norms = nn.ModuleList(nn.GroupNorm(2, b) for _, b in pairs)
        self.dense = nn.Linear(64 * (spec["height"] // 8) * (spec["width"] // 8), spec["outputs"])

    def forward(self, x):
        for conv, norm in zip(self.convs, self.norms):
            x = F.max_pool2d(F.relu(norm(conv(x))), 2)
        return self.dense(x.flatten(1))


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv0 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.conv1 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.norm0, self.norm1 = nn.GroupNorm(2, outputs), nn.GroupNorm(2, outputs)
        self.shortcut = nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False) if stride > 1 else nn.Identity()

    def forward(self, x):
        inner = self.norm1(self.conv1(F.relu(self.norm0(self.conv0(x)))))
        return F.relu(inner + self.shortcut(x))


def resnet8(spec):
    return nn.Sequential(
        nn.Conv2d(spec["channels"], 16, 3, padding=1, bias=False),
        nn.GroupNorm(2, 16),
        nn.ReLU(),
        Block(16, 16, 1),
        Block(16, 32, 2),
        Block(32, 64, 2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(64, spec["outputs"]),
    )


class GptBlock(nn.Module):
    def __init__(self, width, heads, context):
        super().__init__()
        self.heads = heads
        self.norm0, self.norm1 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.feed = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(approximate="tanh"), nn.Linear(4 * width, width))
        self.register_buffer("ahead", torch.triu(torch.ones(context, context, dtype=torch.bool), 1))

    def forward(self, x):
        rows, context, width = x.shape
        q, k, v = (
            part.view(rows, context, self.heads, -1).transpose(1, 2) for part in self.qkv(self.norm0(x)).split(width, 2)
        )
        scores = (q @ k.transpose(-2, -1)) / math.sqrt(q.shape[-1])
        attended = scores.masked_fill(self.ahead, -math.inf).softmax(-1) @ v
        x = x + self.out(attended.transpose(1, 2).reshape(rows, context, width))
        return x + self.feed(self.norm1(x))


class Gpt(nn.Module):
    def __init__(self, spec):
        super().__init__()
        self.tokens = nn.Embedding(256, spec["width"])
        self.positions = nn.Parameter(torch.zeros(spec["context"], spec["width"]))
        blocks = [GptBlock(spec["width"], spec["heads"], spec["context"]) for _ in range(spec["layers"])]
        self.blocks = nn.Sequential(*blocks, nn.LayerNorm(spec["width"]))

    def forward(self, ids):
        x = self.blocks(self.tokens(ids) + self.positions)
        return (x @ self.tokens.weight.T).flatten(0, 1)


def mlp(spec):
    widths = [spec["inputs"], *spec["hidden"], spec["outputs"]]
    layers = []
    for inputs, units in zip(widths, widths[1:]):
        layers += [nn.Linear(inputs, units), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


MODELS = {"mlp": mlp, "lenet": LeNet, "gn-lenet": GnLeNet, "resnet-8": resnet8, "gpt": Gpt}


def step_ms(case):
    spec, batch = case["model"], case["batch"]
    torch.manual_seed(1)
    model = MODELS[spec["kind"]](spec)
    adamw = case["optimiser"] == "adamw"
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3) if adamw else torch.optim.SGD(model.parameters(), lr=0.1)
    if spec["kind"] == "gpt":
        text = torch.randint(0, 256, (10_000,))
        draw = lambda: torch.stack([text[at : at + spec["context"] + 1] for at in torch.randint(0, 9000, (batch,))])
        split = lambda rows: (rows[:, :-1], rows[:, 1:].reshape(-1))
    else:
        shape = [spec["inputs"]] if spec["kind"] == "mlp" else [spec["channels"], spec["height"], spec["width"]]
        examples, labels = torch.rand(1000, *shape), torch.randint(0, spec["outputs"], (1000,))
        draw = lambda: torch.randint(0, 1000, (batch,))
        split = lambda drawn: (examples[drawn], labels[drawn])
    times = []
    for run in range(-2, case["runs"]):
        start = time.perf_counter()
        for _ in range(case["steps"]):
            inputs, expected = split(draw())
            optimiser.zero_grad()
            F.cross_entropy(model(inputs), expected).backward()
            optimiser.step()
        if run >= 0:
            times.append((time.perf_counter() - start) * 1000 / case["steps"])
    return statistics.median(times)


def product_gflops():
    a = torch.rand(512, 512)
    times = []
    for _ in range(12):
        start = time.perf_counter()
        torch.mm(a, a)
        times.append(time.perf_counter() - start)
    return 2 * 512**3 / statistics.median(times) / 1e9


cases = json.loads(sys.argv[1])
steps = [[case["name"], step_ms(case)] for case in cases]
print(json.dumps({"version": torch.__version__, "gflops": product_gflops(), "steps": steps}))
