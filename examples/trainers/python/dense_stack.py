"""What the trainers of dense networks here share: the layers of a run's model, MNIST's files."""

import gzip
import os
import struct

from starlings_trainer import DataError

KINDS = ("mlp", "logistic-regression")


def layers_of(model, layout):
    """(inputs, units, offset of the kernel, offset of the bias) of each layer, as the run's model has them."""
    if model is None or model["kind"] not in KINDS:
        raise DataError(f"this trainer knows models of kind {' and '.join(KINDS)}, as the `model` of a run")
    pairs = zip(layout[::2], layout[1::2])
    return [(*kernel["shape"], kernel["offset"], bias["offset"]) for kernel, bias in pairs]


def read_idx(folder, name):
    """The dimensions and the bytes of an IDX file, packed or not (the format of MNIST)."""
    path = os.path.join(folder, name)
    try:
        with open(path, "rb") if os.path.exists(path) else gzip.open(path + ".gz", "rb") as file:
            magic = file.read(4)
            dimensions = struct.unpack(f">{magic[3]}I", file.read(4 * magic[3]))
            return dimensions, file.read()
    except (OSError, EOFError, IndexError, struct.error) as error:
        raise DataError(f"{path}: expected an IDX file, packed or not ({error})") from None


def read_split(job, prefix, inputs, outputs):
    """Pixels (bytes, image by image) and labels of `train` or `t10k`."""
    if job["task"]["kind"] != "idx-images":
        raise DataError(f"this trainer reads data of kind idx-images, not {job['task']['kind']}")
    (count, *sides), pixels = read_idx(job["data"], f"{prefix}-images-idx3-ubyte")
    _, labels = read_idx(job["data"], f"{prefix}-labels-idx1-ubyte")
    if count == 0 or len(labels) != count or len(pixels) != count * inputs or max(labels) >= outputs:
        raise DataError(f"{job['data']}: {count} images of {sides} pixels with {len(labels)} labels do not fit the model")
    return pixels, labels


def plain_sgd(training):
    """Only what is written here is done: a run that asks for more is refused."""
    optimiser = training["optimiser"]
    if optimiser["id"] != "sgd" or optimiser.get("momentum", 0) or training["clipNorm"] is not None:
        raise DataError("this trainer does plain SGD: training.optimiser sgd without momentum, no clipNorm")
