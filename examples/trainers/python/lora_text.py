"""Texts as rows of tokens: .txt files, and .jsonl with a `text` in each line; the end of every file is held out."""

import json
import os

import torch
from starlings_trainer import DataError

HELD_OUT = 0.1


def files_of(path):
    if not os.path.isdir(path):
        return [path]
    return [os.path.join(path, name) for name in sorted(os.listdir(path)) if name.endswith((".txt", ".jsonl"))]


def text_of(path):
    with open(path, encoding="utf-8") as file:
        if not path.endswith(".jsonl"):
            return file.read()
        texts = []
        for number, line in enumerate(file, 1):
            try:
                if line.strip():
                    texts.append(str(json.loads(line)["text"]))
            except (ValueError, KeyError, TypeError) as error:
                raise DataError(f"{path}:{number}: expected an object with the field text ({error!r})") from None
        return "\n".join(texts)


def ids_of(text, tokenizer):
    if tokenizer is None:
        return torch.frombuffer(bytearray(text.encode()), dtype=torch.uint8).long() if text else torch.zeros(0).long()
    return torch.tensor(tokenizer(text)["input_ids"], dtype=torch.long)


def rows_of(ids, length):
    """One token more than is read: each is asked for what follows it."""
    return ids[: (len(ids) - 1) // length * length + 1].unfold(0, length + 1, length) if len(ids) > length else ids.new_zeros((0, length + 1))


def read_rows(path, tokenizer, length):
    """(to learn from, held out), rows of `length` + 1 tokens."""
    learned, held = [], []
    try:
        for file in files_of(path):
            ids = ids_of(text_of(file), tokenizer)
            cut = round(len(ids) * (1 - HELD_OUT))
            learned.append(rows_of(ids[:cut], length))
            held.append(rows_of(ids[cut:], length))
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: {error}") from None
    if not sum(map(len, learned)) or not sum(map(len, held)):
        raise DataError(f"{path}: too short for rows of {length} tokens to learn from and {HELD_OUT:.0%} held out (.txt, .jsonl)")
    return torch.cat(learned), torch.cat(held)
