"""The frozen base of lora.py: read from this machine alone, known by a hash of its tensors, with adapters for its linear layers."""

import hashlib
import os
import random
import warnings

# What is read goes into the log of a node, line by line.
os.environ["TQDM_DISABLE"] = "1"
warnings.filterwarnings("ignore", category=FutureWarning)

import torch
from peft import LoraConfig, get_peft_model
from starlings_trainer import DataError
from transformers import AutoModelForCausalLM, AutoTokenizer, Qwen3Config
from transformers.utils import logging

logging.set_verbosity_error()

TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "vocab.json")


def small_qwen3():
    """A Qwen3 of 828,800 parameters that reads bytes; its weights are drawn, always the same."""
    torch.manual_seed(0)
    config = Qwen3Config(
        vocab_size=320,
        hidden_size=128,
        intermediate_size=384,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=32,
        tie_word_embeddings=True,
    )
    return AutoModelForCausalLM.from_config(config, dtype=torch.float32, attn_implementation="eager")


def place_of(path):
    """What transformers calls a folder, and the file in it where it is a GGUF."""
    if path.endswith(".gguf"):
        return os.path.dirname(os.path.abspath(path)), {"gguf_file": os.path.basename(path)}
    return path, {}


def read_base(path):
    """The model of a folder (save_pretrained) or of a GGUF file; of no path the small one, as it was drawn."""
    if path is None:
        return small_qwen3()
    folder, extra = place_of(path)
    if not os.path.exists(path):
        raise DataError(f"{path}: there is no base here")
    model = AutoModelForCausalLM.from_pretrained(
        folder, **extra, dtype=torch.float32, attn_implementation="eager", local_files_only=True
    )
    quantizer = getattr(model, "hf_quantizer", None)
    if extra and quantizer is not None:
        # It is float32 by now; transformers would not save what it takes for quantized.
        quantizer.remove_quantization_config(model)
    return model


def read_tokenizer(path):
    """Of the base where it has one; None: its ids are bytes."""
    if path is None:
        return None
    folder, extra = place_of(path)
    if not extra and not any(os.path.exists(os.path.join(folder, name)) for name in TOKENIZER_FILES):
        return None
    return AutoTokenizer.from_pretrained(folder, **extra, local_files_only=True)


def base_hash(model):
    """SHA-256 of all its tensors: the same model has it, whatever file it came from."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        digest.update(memoryview(tensor.detach().contiguous().cpu().reshape(-1).view(torch.uint8).numpy()))
    return digest.hexdigest()


def with_adapters(base, rank, alpha, targets):
    """Only the adapters of the linear layers learn."""
    modules = "all-linear" if targets == "all" else targets.split(",")
    config = LoraConfig(r=rank, lora_alpha=alpha, target_modules=modules, lora_dropout=0.0, task_type="CAUSAL_LM")
    return get_peft_model(base, config)


def adapters_of(model):
    """A and B of every layer, in the order of named_parameters."""
    return [(name, tensor) for name, tensor in model.named_parameters() if tensor.requires_grad]


def start_of(name, shape, seed):
    """A as peft draws it (uniform, within 1 / sqrt(inputs)), but to the bit the same with any version of PyTorch; B zero."""
    if "lora_B" in name:
        return torch.zeros(shape)
    if "lora_A" not in name:
        raise DataError(f"{name} is no adapter of a linear layer: name linear layers in --targets")
    draw, bound = random.Random(hashlib.sha256(f"{seed}/{name}".encode()).digest()), shape[1] ** -0.5
    return torch.tensor([draw.uniform(-bound, bound) for _ in range(shape[0] * shape[1])]).view(shape)


def add_options(parser):
    parser.add_argument("--base", help="folder of a model, or GGUF file; left out: a small Qwen3 that knows nothing yet")
    parser.add_argument("--rank", type=int, default=8)
    parser.add_argument("--alpha", type=float, default=16.0)
    parser.add_argument("--targets", default="all", help="all linear layers, or names of them (q_proj,v_proj)")
