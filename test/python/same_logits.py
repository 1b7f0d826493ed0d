"""The greatest difference of logits between a vector put into adapters, the adapter as peft reads it, and the merged model: vector file, base, export."""

import sys

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

scripts, vector, base, export = sys.argv[1:]
sys.path.insert(0, scripts)
from lora_base import adapters_of, read_base, with_adapters  # noqa: E402
from safetensors.torch import load_file  # noqa: E402

flat = next(iter(load_file(vector).values())).reshape(-1)
trained = with_adapters(read_base(base), 8, 16.0, "all")
at = 0
with torch.no_grad():
    for _, tensor in adapters_of(trained):
        tensor.copy_(flat[at : at + tensor.numel()].view(tensor.shape))
        at += tensor.numel()


def read(path):
    # Another way to compute attention rounds otherwise.
    return AutoModelForCausalLM.from_pretrained(path, attn_implementation="eager")


ids = torch.arange(64).reshape(2, 32) + 60
models = {
    "trained": trained,
    "peft": PeftModel.from_pretrained(read_base(base), f"{export}/adapter"),
    "merged": read(f"{export}/merged"),
    "base": read_base(base),
}
logits = {}
with torch.no_grad():
    for name, model in models.items():
        logits[name] = model.eval()(input_ids=ids).logits
for name in ("peft", "merged", "base"):
    print(name, (logits[name] - logits["trained"]).abs().max().item())
