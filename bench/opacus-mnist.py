"""DP-SGD by Opacus with the settings of bench/opacus.ts, which starts it: prints the accuracy after each tenth of the steps, a line of JSON each."""

import json
import sys

import numpy as np
import torch
from opacus import GradSampleModule
from opacus.optimizers import DPOptimizer

job = json.loads(sys.argv[1])
torch.set_num_threads(job["threads"])
torch.manual_seed(job["seed"])


def idx(name, head):
    return np.fromfile(f"{job['data']}/{name}", dtype=np.uint8)[head:]


def part(name):
    labels = torch.from_numpy(idx(f"{name}-labels-idx1-ubyte", 8).astype(np.int64))
    pixels = idx(f"{name}-images-idx3-ubyte", 16).reshape(len(labels), -1)
    return torch.from_numpy(pixels).float() / 255, labels


inputs, labels = part("train")
held_inputs, held_labels = part("t10k")
model = torch.nn.Sequential(torch.nn.Linear(784, 64), torch.nn.ReLU(), torch.nn.Linear(64, 10))
start, at = torch.from_numpy(np.fromfile(job["start"], dtype="<f4")), 0
with torch.no_grad():
    for layer in (model[0], model[2]):
        rows, columns = layer.weight.shape
        layer.weight.copy_(start[at : at + rows * columns].reshape(columns, rows).T)
        at += rows * columns
        layer.bias.copy_(start[at : at + rows])
        at += rows
private = GradSampleModule(model)
optimizer = DPOptimizer(
    torch.optim.SGD(private.parameters(), lr=job["learningRate"]),
    noise_multiplier=job["noiseMultiplier"],
    max_grad_norm=job["clipNorm"],
    expected_batch_size=job["samplingRate"] * len(labels),
)
loss_of = torch.nn.CrossEntropyLoss()
for step in range(1, job["steps"] + 1):
    drawn = torch.rand(len(labels)) < job["samplingRate"]
    optimizer.zero_grad()
    loss_of(private(inputs[drawn]), labels[drawn]).backward()
    optimizer.step()
    if step % max(1, job["steps"] // 10) == 0 or step == job["steps"]:
        with torch.no_grad():
            accuracy = (model(held_inputs).argmax(1) == held_labels).float().mean().item()
        print(json.dumps({"steps": step, "accuracy": accuracy}), flush=True)
