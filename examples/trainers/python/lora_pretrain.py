"""
Makes a small base for lora.py out of a text, so that there is something to fine-tune without a download: a Qwen3 of 828,800 parameters that reads bytes.

    python3 lora_pretrain.py --data TEXT --out FOLDER --steps 600
"""

import argparse
import time

from lora_base import base_hash, small_qwen3

import torch
from lora_text import read_rows
from starlings_trainer import batch, learning_rate
from torch_training import seed_of

ROWS, LENGTH, PEAK = 16, 128, 3e-3


def main():
    parser = argparse.ArgumentParser(description="a small base out of a text")
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--steps", type=int, default=600)
    chosen = parser.parse_args()
    rows, held = read_rows(chosen.data, None, LENGTH)
    model = small_qwen3()
    optimiser = torch.optim.AdamW(model.parameters(), lr=0.0, weight_decay=0.01)
    training = {"learningRate": PEAK, "localSteps": chosen.steps, "schedule": {"id": "cosine", "warmUpSteps": 30, "finalFraction": 0.1}}

    def loss_of(some):
        logits = model(input_ids=some[:, :-1], use_cache=False).logits
        return torch.nn.functional.cross_entropy(logits.flatten(0, 1), some[:, 1:].flatten())

    torch.manual_seed(seed_of("base"))
    began = time.monotonic()
    for step in range(chosen.steps):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(training, 1, 0, step)
        optimiser.zero_grad()
        loss = loss_of(rows[batch("base", step, len(rows), ROWS)])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        if (step + 1) % 50 == 0:
            print(f"step {step + 1}: loss {loss.item():.3f}, {time.monotonic() - began:.0f} s", flush=True)
    with torch.no_grad():
        print(f"held out: {loss_of(held[:64]).item():.3f} nats a byte")
    model.save_pretrained(chosen.out)
    print(f"base {base_hash(model)} in {chosen.out}")


if __name__ == "__main__":
    main()
