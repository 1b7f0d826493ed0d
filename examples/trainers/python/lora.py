"""
Fine-tunes a causal language model together with others: transformers, and adapters of peft (LoRA), which alone travel.

    python3 lora.py --base PATH --rank 8 --targets all

PATH is a folder as save_pretrained writes it, or a GGUF file; nothing is fetched. Data are .txt and .jsonl files (field `text`). Every peer needs the
same base, rank, alpha and targets: `starlings trainer manifest ... --pin` puts them into the run, the hash of the base among them.
Of task.options: `sequence` (tokens of a row, 128), `heldOutRows` (at most so many are measured, 64), `base` (a hash: another is refused).
"""

import argparse

from lora_base import adapters_of, add_options, base_hash, read_base, read_tokenizer, start_of, with_adapters

import torch
from lora_text import read_rows
from starlings_trainer import DataError, serve
from torch_training import TorchTrainer


def option(options, name, default, least, most):
    value = options.get(name, default)
    if not isinstance(value, int) or not least <= value <= most:
        raise DataError(f"task.options.{name} is {value!r}: a whole number from {least} to {most}")
    return value


class Lora(TorchTrainer):
    name = "lora"

    def __init__(self, chosen):
        self.chosen, self.model = chosen, None

    def describe(self, model, layout):
        if self.model is None:
            base = read_base(self.chosen.base)
            self.base = base_hash(base)
            self.model = with_adapters(base, self.chosen.rank, self.chosen.alpha, self.chosen.targets)
        # Rank and targets are in the layout.
        self.version = f"1, base {self.base}, alpha {self.chosen.alpha:g}"
        return self.adopt(self.model, adapters_of(self.model))

    def init(self, job):
        self.set_up(job)
        options = job["task"].get("options", {})
        if options.get("base", self.base) != self.base:
            raise DataError(f"the run is of the base {options['base']}, this one has hash {self.base}")
        length = option(options, "sequence", 128, 8, 8192)
        tokenizer = read_tokenizer(self.chosen.base)
        self.learned, held = read_rows(job["data"], tokenizer, length)
        # From all over what is held out.
        count = min(len(held), option(options, "heldOutRows", 64, 1, 1_000_000))
        self.others = held[torch.arange(count) * len(held) // count]
        self.examples, self.held_out = len(self.learned), count
        ids = "bytes" if tokenizer is None else "tokens"
        return f"PyTorch {torch.__version__}, one thread; {len(self.learned)} rows of {length} {ids}, {len(held)} held out"

    def initial(self, seed):
        return self.flat([start_of(place["name"], place["shape"], seed) for place in self.layout])

    def answers(self, rows):
        """Losses of all answers, and which of them are right."""
        logits = self.module(input_ids=rows[:, :-1], use_cache=False).logits.float().flatten(0, 1)
        wanted = rows[:, 1:].flatten()
        return torch.nn.functional.cross_entropy(logits, wanted, reduction="none"), logits.argmax(-1) == wanted

    def loss(self, rows):
        return self.answers(self.learned[list(rows)])[0].mean()

    def measure(self, rows):
        losses, right = self.answers(self.others[list(rows)])
        return losses.double().sum().item(), int(right.sum()), losses.numel()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="LoRA among peers")
    add_options(parser)
    serve(Lora(parser.parse_args()))
