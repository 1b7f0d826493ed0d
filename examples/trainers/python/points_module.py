"""A network for torch_module.py: lines of `x,y,class` (0 or 1), every fourth held out."""

import torch
from starlings_trainer import DataError
from torch import nn


def model():
    return nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Dropout(0.1), nn.Linear(16, 2))


def loss(module, points, classes):
    return nn.functional.cross_entropy(module(points), classes)


def data(path):
    with open(path, encoding="utf-8") as file:
        rows = [line.split(",") for line in file.read().splitlines() if line]
    try:
        points = torch.tensor([[float(x), float(y)] for x, y, _ in rows])
        classes = torch.tensor([int(label) for *_, label in rows])
    except ValueError as error:
        raise DataError(f"{path}: expected lines of x,y,class ({error})") from None
    held = torch.arange(len(classes)) % 4 == 3
    return (points[~held], classes[~held]), (points[held], classes[held])
