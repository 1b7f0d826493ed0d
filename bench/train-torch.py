"""The same training steps in PyTorch on one thread, for bench/train.ts: prints a JSON list of [name, medianMs]."""
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


cases = json.loads(sys.argv[1])
print(json.dumps([[c["name"], step_ms(c["widths"], c["batch"], c["steps"], c["runs"])] for c in cases]))
