"""
Trains any torch.nn.Module: `python3 torch_module.py mine.py`, where mine.py has

    def model():                 # a torch.nn.Module; chance from torch's generator, which is seeded by the run
    def loss(module, *batch):    # the mean over the batch, as a tensor
    def data(path):              # (to learn from, held out): each a tuple of tensors with a row for each example, the answers last
    def right(module, *batch):   # how many answers are right; may be left out where the answers are numbers of classes

All its parameters travel, in the order of named_parameters. python/points_module.py is an example.
"""

import hashlib
import importlib.util
import sys

import torch
from starlings_trainer import DataError, serve
from torch_training import TorchTrainer


def read_source(path):
    """The module of the file, and the beginning of its hash."""
    spec = importlib.util.spec_from_file_location("trained", path)
    source = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(source)
    with open(path, "rb") as file:
        return source, hashlib.sha256(file.read()).hexdigest()[:16]


def refuse_running_means(module):
    for name, part in module.named_modules():
        if getattr(part, "track_running_stats", False):
            raise DataError(f"{name} keeps running means between batches, which no peer sees: GroupNorm, or track_running_stats=False")


class ModuleTrainer(TorchTrainer):
    name = "torch-module"

    def __init__(self, path):
        self.source, digest = read_source(path)
        self.version = f"1, file {digest}"

    def describe(self, model, layout):
        torch.manual_seed(0)
        module = self.source.model()
        refuse_running_means(module)
        return self.adopt(module, module.named_parameters())

    def init(self, job):
        self.set_up(job)
        try:
            self.learned, self.others = self.source.data(job["data"])
        except OSError as error:
            raise DataError(str(error)) from None
        self.examples, self.held_out = len(self.learned[-1]), len(self.others[-1])
        if not self.examples or not self.held_out:
            raise DataError(f"{job['data']}: {self.examples} examples to learn from and {self.held_out} held out")
        return f"PyTorch {torch.__version__}, one thread"

    def initial(self, seed):
        torch.manual_seed(seed)
        return self.flat(self.source.model().parameters())

    def loss(self, rows):
        return self.source.loss(self.module, *(tensor[list(rows)] for tensor in self.learned))

    def measure(self, rows):
        held = [tensor[list(rows)] for tensor in self.others]
        loss = self.source.loss(self.module, *held).item()
        return loss * len(rows), int(self.right(*held)), len(rows)

    def right(self, *held):
        if hasattr(self.source, "right"):
            return self.source.right(self.module, *held)
        return (self.module(*held[:-1]).argmax(-1) == held[-1]).sum()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: torch_module.py mine.py")
    serve(ModuleTrainer(sys.argv[1]))
