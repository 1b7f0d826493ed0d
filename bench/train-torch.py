"""The same training steps in PyTorch on one thread, for bench/train.ts.

Prints JSON: the steps as [name, medianMs], and what PyTorch computes with. With a slow BLAS PyTorch is a poor
reference, so its speed at plain matrix products is measured too.
"""
import json
import statistics
import sys
import time

import torch

torch.set_num_threads(1)


def step_ms(widths, batch, steps, runs):
    torch.manual_seed(1)
    layers = []
    for inputs, units in zip(widths, widths[1:]):
        layers += [torch.nn.Linear(inputs, units), torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers[:-1])
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    examples = torch.rand(1000, widths[0])
    labels = torch.randint(0, widths[-1], (1000,))
    times = []
    for run in range(-2, runs):
        start = time.perf_counter()
        for _ in range(steps):
            drawn = torch.randint(0, 1000, (batch,))
            optimiser.zero_grad()
            torch.nn.functional.cross_entropy(model(examples[drawn]), labels[drawn]).backward()
            optimiser.step()
        if run >= 0:
            times.append((time.perf_counter() - start) * 1000 / steps)
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
steps = [[c["name"], step_ms(c["widths"], c["batch"], c["steps"], c["runs"])] for c in cases]
print(json.dumps({"version": torch.__version__, "gflops": product_gflops(), "steps": steps}))
