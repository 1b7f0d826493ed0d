"""What the trainers with PyTorch share: tensors as one flat vector, the optimiser of the run, and the same bits every time."""

import hashlib
import math

import torch
from starlings_trainer import DataError, Diverged, Trainer, batch, learning_rate

SCORED = 64
CHUNK = 64

torch.set_num_threads(1)  # peers share machines, and sums over threads differ with their number
torch.use_deterministic_algorithms(True)


def seed_of(*names):
    """A seed of the generators of PyTorch, of 63 bits."""
    return int.from_bytes(hashlib.sha256("/".join(map(str, names)).encode()).digest()[:8], "big") >> 1


def optimiser_of(training, parameters):
    """New for every round: nothing but the vector is kept."""
    spec = training["optimiser"]
    if spec["id"] == "sgd":
        return torch.optim.SGD(parameters, lr=0.0, momentum=spec["momentum"])
    constants = {"lr": 0.0, "betas": (spec["beta1"], spec["beta2"]), "eps": spec["epsilon"]}
    if spec["id"] == "adam":
        return torch.optim.Adam(parameters, **constants)
    if spec["id"] == "adamw":
        return torch.optim.AdamW(parameters, **constants, weight_decay=spec["weightDecay"])
    raise DataError(f"this trainer does not know the optimiser {spec['id']}")


class TorchTrainer(Trainer):
    """
    To be derived from: `describe` calls `adopt`, `init` sets `examples`, and `loss(rows)` and `measure(rows)` compute. The module keeps nothing
    between two requests: its parameters come with the vector, its buffers are put back.
    """

    ends_early = True

    def adopt(self, module, named):
        """The tensors that travel, in this order."""
        self.module, self.tensors, self.layout = module, [], []
        for name, tensor in named:
            if not tensor.is_floating_point():
                raise DataError(f"{name} holds {tensor.dtype}: only floating point travels")
            at = sum(other.numel() for other in self.tensors)
            self.layout.append({"name": name, "shape": list(tensor.shape), "offset": at})
            self.tensors.append(tensor)
        self.buffers = [(buffer, buffer.clone()) for buffer in module.buffers()]
        return {"parameters": sum(tensor.numel() for tensor in self.tensors), "layout": self.layout}

    def set_up(self, job):
        self.training, self.rounds = job["training"], job["rounds"]

    def load(self, vector, learns):
        flat = torch.frombuffer(vector, dtype=torch.float32)
        with torch.no_grad():
            for tensor, place in zip(self.tensors, self.layout):
                tensor.copy_(flat[place["offset"] : place["offset"] + tensor.numel()].view(tensor.shape))
            for buffer, start in self.buffers:
                buffer.copy_(start)
        self.module.train(learns)
        torch.manual_seed(0)

    def flat(self, tensors):
        return torch.cat([tensor.detach().float().reshape(-1) for tensor in tensors]).numpy()

    def loss(self, rows):
        """Mean loss over these examples to learn from, as a tensor."""
        raise NotImplementedError

    def measure(self, rows):
        """(sum of losses, right answers, answers) on held-out examples."""
        raise NotImplementedError

    def backward(self, rows):
        """Gradients in place, the mean loss returned."""
        loss = self.loss(rows)
        loss.backward()
        return loss.item()

    def stepped(self, job, steps):
        return job.progress(steps)

    def train(self, vector, job):
        self.load(vector, True)
        learning = [tensor for tensor in self.tensors if tensor.requires_grad]
        optimiser = optimiser_of(self.training, learning)
        total, size, clip = 0.0, self.training["batchSize"], self.training["clipNorm"]
        for step in range(job.steps):
            torch.manual_seed(seed_of(job.stream, step, "dropout"))
            for group in optimiser.param_groups:
                group["lr"] = learning_rate(self.training, self.rounds, job.round, step)
            optimiser.zero_grad()
            total += self.backward(batch(job.stream, step, self.examples, size))
            if not math.isfinite(total):
                raise Diverged(f"the loss is not a number at step {step} of {job.steps}: lower training.learningRate")
            if clip is not None:
                torch.nn.utils.clip_grad_norm_(learning, clip)
            optimiser.step()
            if self.stepped(job, step + 1):
                break
        return self.flat(self.tensors), total / (step + 1), (step + 1) * size

    def evaluate(self, vector):
        self.load(vector, False)
        total, right, answers = 0.0, 0, 0
        with torch.no_grad():
            for at in range(0, self.held_out, CHUNK):
                one = self.measure(range(at, min(at + CHUNK, self.held_out)))
                total, right, answers = total + one[0], right + one[1], answers + one[2]
        return {"loss": total / answers, "accuracy": right / answers, "examples": answers}

    def score(self, vectors):
        losses = []
        for vector in vectors:
            self.load(vector, False)
            with torch.no_grad():
                losses.append(self.loss(range(min(SCORED, self.examples))).item())
        return losses

    def gradient(self, vector):
        self.load(vector, False)
        self.module.zero_grad()
        loss = TorchTrainer.backward(self, range(min(SCORED, self.examples)))
        return self.flat([torch.zeros_like(t) if t.grad is None else t.grad for t in self.tensors]), loss
