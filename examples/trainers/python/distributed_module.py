"""The trainer behind torch_distributed.py: every rank takes its part of each batch, gradients are summed, and all take the same step."""

import torch
import torch.distributed as dist
from starlings_trainer import Cancelled, Diverged
from torch_module import ModuleTrainer


def broadcast(value=None):
    """What rank 0 says, at every rank."""
    box = [value]
    dist.broadcast_object_list(box)
    return box[0]


class DistributedTrainer(ModuleTrainer):
    name = "torch-distributed"

    # Only rank 0 hears of it.
    ends_early = False

    def __init__(self, path):
        super().__init__(path)
        self.rank, self.ranks = dist.get_rank(), dist.get_world_size()
        # Sums of gradients differ with the number of parts.
        self.version += f", {self.ranks} processes"

    def init(self, job):
        backend = super().init(job)
        if self.rank == 0:
            broadcast(("init", job))
        return f"{backend} in each of {self.ranks} processes"

    def train(self, vector, job):
        if self.rank == 0:
            broadcast(("train", (job.steps, job.round, job.stream)))
        flat = torch.frombuffer(vector, dtype=torch.float32)
        dist.broadcast(flat, 0)
        return super().train(vector, job)

    def backward(self, rows):
        own = rows[self.rank :: self.ranks]
        share = len(own) / len(rows)
        loss = torch.zeros(1, dtype=torch.float64)
        if own:
            mean = self.loss(own) * share
            mean.backward()
            loss += mean.item()
        learning = [tensor for tensor in self.tensors if tensor.requires_grad]
        grads = [torch.zeros_like(t) if t.grad is None else t.grad for t in learning]
        sums = torch.cat([grad.reshape(-1) for grad in grads])
        dist.all_reduce(sums)
        dist.all_reduce(loss)
        for tensor, part in zip(learning, sums.split([grad.numel() for grad in grads])):
            tensor.grad = part.view(tensor.shape).clone()
        return loss.item()

    def stepped(self, job, steps):
        """Rank 0 says after every step whether there is a next one: the others hear nothing of the node."""
        if self.rank != 0:
            if not broadcast():
                raise Cancelled("cancelled")
            return
        try:
            job.progress(steps)
        except Cancelled:
            broadcast(False)
            raise
        broadcast(True)


class Followed:
    """A training as ranks above 0 hear of it."""

    def __init__(self, steps, round_, stream):
        self.steps, self.round, self.stream = steps, round_, stream


def follow(trainer):
    """Of ranks above 0: does what rank 0 does, until that is gone."""
    size = trainer.describe(None, None)["parameters"]
    while True:
        try:
            op, what = broadcast()
        except RuntimeError:
            return  # rank 0 is gone, with the node or by itself: its status tells
        if op == "init":
            trainer.init(what)
            continue
        try:
            trainer.train(bytearray(4 * size), Followed(*what))
        except (Cancelled, Diverged):
            pass  # rank 0 says so
