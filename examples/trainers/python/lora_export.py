"""
Out of a node's model file, what others read: the adapter as peft loads it, and the base with the adapter merged in.

    python3 lora_export.py --base PATH --rank 8 --targets all --from DIR/model.safetensors --out FOLDER

With --data it measures both, before and after, on what is held out of these texts.

FOLDER/adapter: adapter_config.json and adapter_model.safetensors (`PeftModel.from_pretrained(base, folder)`); FOLDER/merged: a model of transformers.
"""

import argparse
import os
import sys
from array import array

from lora_base import adapters_of, add_options, read_base, read_tokenizer, with_adapters

import torch
from lora import Lora
from safetensors.torch import load_file


def load_adapters(model, vector):
    named, at = adapters_of(model), 0
    size = sum(tensor.numel() for _, tensor in named)
    if vector.numel() != size:
        sys.exit(f"the file holds {vector.numel()} parameters, adapters of this rank on this base {size}: --base, --rank, --targets")
    with torch.no_grad():
        for _, tensor in named:
            tensor.copy_(vector[at : at + tensor.numel()].view(tensor.shape))
            at += tensor.numel()


def measure(chosen, vector, path):
    """As a node of this data does; B is zero before."""
    trainer = Lora(chosen)
    size = trainer.describe(None, None)["parameters"]
    trainer.init({"data": path, "task": {}, "training": None, "rounds": 0})
    before, after = trainer.evaluate(array("f", bytes(4 * size))), trainer.evaluate(array("f", vector.tolist()))
    print(f"{path}: {before['loss']:.4f} nats a token before, {after['loss']:.4f} after; right {before['accuracy']:.2%}, {after['accuracy']:.2%}")


def main():
    parser = argparse.ArgumentParser(description="adapter and merged model out of a node's model file")
    add_options(parser)
    parser.add_argument("--from", dest="source", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--data", nargs="*", default=[], help="texts to measure it on")
    chosen = parser.parse_args()
    model = with_adapters(read_base(chosen.base), chosen.rank, chosen.alpha, chosen.targets)
    tensors = load_file(chosen.source)
    if len(tensors) != 1:
        sys.exit(f"{chosen.source} holds {len(tensors)} tensors, a run of an external model one")
    vector = next(iter(tensors.values())).reshape(-1)
    load_adapters(model, vector)
    if chosen.base is not None:
        model.peft_config["default"].base_model_name_or_path = os.path.abspath(chosen.base)
    adapter, merged = (os.path.join(chosen.out, name) for name in ("adapter", "merged"))
    model.save_pretrained(adapter, save_embedding_layers=False)
    model.merge_and_unload().save_pretrained(merged)
    tokenizer = read_tokenizer(chosen.base)
    if tokenizer is not None:
        tokenizer.save_pretrained(merged)
    print(f"{adapter}\n{merged}")
    for path in chosen.data:
        measure(chosen, vector, path)


if __name__ == "__main__":
    main()
