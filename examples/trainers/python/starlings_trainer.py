"""A trainer for starlings, in one file and with the standard library alone: docs/TRAINERS.md describes what it speaks.

    from starlings_trainer import Trainer, serve

    class Mine(Trainer):
        name, version = "mine", "1"

        def describe(self, model, layout): return {"parameters": 3}
        def init(self, job): ...; return "pure Python"
        def initial(self, seed): return [0.0, 0.0, 0.0]
        def train(self, vector, job): ...; return vector, loss, samples
        def evaluate(self, vector): return {"loss": ..., "accuracy": ..., "examples": ...}

    serve(Mine())

A trainer with `train_privately(vector, job)` and `examples()` protects its examples as well (docs/PRIVACY.md): job.privacy says how, and
`poisson_sample` and `noise` have the chance for it.

Vectors come as array('f'), yours until you answer; what is returned may be any sequence of numbers, or anything with a buffer of float32 (numpy). Print what you
like: it goes into the node's log. Start it with `starlings trainer check "python3 mine.py"`, then `starlings node --trainer "python3 mine.py"`.
"""

import hashlib
import math
import os
import queue
import random
import shutil
import struct
import sys
import threading
from array import array

VERSION = 1
FRAME_BYTES_MAX = 1 << 20
REQUESTS, ANSWERS = 3, 4


class Cancelled(Exception):
    """The node gave up on what was asked."""


class DataError(Exception):
    """The data is missing or wrong: the message is told to the node's owner."""


class Diverged(Exception):
    """Loss or parameters are not finite."""


class Unsupported(Exception):
    """An operation that this trainer does not have."""


class Trainer:
    """To be derived from. `score`, `gradient` and `train_privately` are there where a derived class has them."""

    name, version = "unnamed", "0"
    # Whether train and train_privately end where job.progress says that it is enough.
    ends_early = False

    def describe(self, model, layout):
        """`model` is that of the run, or None where nobody has one yet; `layout` the tensors of a built-in one: name, shape, offset."""
        raise Unsupported("describe")

    def init(self, job):
        """Reads job["data"], the path that the node's owner gave; job has task, training, rounds, seed and threads besides."""
        raise Unsupported("init")

    def initial(self, seed):
        """The start vector: the same at every site, to the bit."""
        raise Unsupported("initial")

    def train(self, vector, job):
        """job.steps steps from this vector; returns (vector, mean loss, samples). job.stream names the random stream."""
        raise Unsupported("train")

    # def train_privately(self, vector, job): the same by DP-SGD, with job.privacy: {"clipNorm", "noiseMultiplier", "samplingRate"}
    # def examples(self): how many it draws from, no two of which hold the same datum

    def evaluate(self, vector):
        """On held-out examples: {"loss": ..., "accuracy": in [0, 1], "examples": ...}; in place of accuracy
        "measures": [{"id": "rmse", "value": ..., "better": "lower", "unit": "mmHg"}, ...], the one to look at first."""
        raise Unsupported("evaluate")


class Job:
    """One training: what it is of, and whether it is still wanted."""

    def __init__(self, request, told, tell):
        self.steps, self.round, self.stream = request["steps"], request["round"], request["streamKey"]
        self.privacy = request.get("privacy")
        self.made = 0
        self._id, self._told, self._tell = request["id"], told, tell

    def progress(self, steps):
        """
        So many steps are done. To be called after each, or every few seconds; raises Cancelled where the node gave up. True where that is
        enough: a trainer with `ends_early` then returns what job.made steps came to.
        """
        if self._told["cancel"] == self._id:
            raise Cancelled("cancelled")
        self.made = steps
        self._tell(steps)
        return self._told["enough"] == self._id


def learning_rate(training, rounds, round_, step):
    """Of this step of this round, by the schedule of the run."""
    schedule, peak = training["schedule"], training["learningRate"]
    at, total = round_ * training["localSteps"] + step, rounds * training["localSteps"]
    warm_up = schedule.get("warmUpSteps", 0)
    if at < warm_up:
        return peak * (at + 1) / warm_up
    if schedule["id"] == "constant":
        return peak
    if schedule["id"] == "steps":
        return peak * schedule["factor"] ** (at // schedule["everySteps"])
    done = min(1.0, (at - warm_up) / max(1, total - warm_up))
    final = schedule["finalFraction"]
    if schedule["id"] == "linear":
        return peak * (1 - (1 - final) * done)
    return peak * (final + (1 - final) * (1 + math.cos(math.pi * done)) / 2)


def batch(stream, step, examples, size):
    """Numbers of the examples of one step: the same for the same stream, whatever was drawn before."""
    seed = hashlib.sha256(f"{stream}/{step}".encode()).digest()
    draw = random.Random(seed)
    return [draw.randrange(examples) for _ in range(size)]


_secret = random.SystemRandom()


def poisson_sample(examples, rate):
    """Numbers of the examples of a private step: each takes part with this probability, on its own. Nobody can draw it again."""
    return [example for example in range(examples) if _secret.random() < rate]


def noise(count, deviation):
    """So many normal numbers of the cryptographic generator of the system."""
    return [_secret.gauss(0.0, deviation) for _ in range(count)]


# Canonical CBOR (DAG-CBOR): shortest integers, keys shortest first, floats in 64 bits and only where they are no whole numbers.


def _head(major, value):
    if value < 24:
        return bytes([major << 5 | value])
    for info, (limit, form) in enumerate(((1 << 8, ">B"), (1 << 16, ">H"), (1 << 32, ">I"), (1 << 64, ">Q")), 24):
        if value < limit:
            return bytes([major << 5 | info]) + struct.pack(form, value)
    raise ValueError("too large for CBOR")


def encode(value):
    if value is None or isinstance(value, bool):
        return b"\xf6" if value is None else b"\xf5" if value else b"\xf4"
    if isinstance(value, int):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise Diverged("a number that is not finite")
        if value == int(value) and abs(value) < 2**53:
            return encode(int(value))
        return b"\xfb" + struct.pack(">d", value)
    if isinstance(value, str):
        text = value.encode()
        return _head(3, len(text)) + text
    if isinstance(value, (bytes, bytearray)):
        return _head(2, len(value)) + bytes(value)
    if isinstance(value, (list, tuple)):
        return _head(4, len(value)) + b"".join(map(encode, value))
    if isinstance(value, dict):
        pairs = sorted((key.encode(), item) for key, item in value.items())
        pairs.sort(key=lambda pair: len(pair[0]))
        return _head(5, len(pairs)) + b"".join(_head(3, len(k)) + k + encode(item) for k, item in pairs)
    if hasattr(value, "item"):  # a number of numpy
        return encode(value.item())
    raise TypeError(f"{type(value).__name__} has no form in CBOR")


def decode(data, at=0):
    """Value and where the next one begins."""
    major, info = data[at] >> 5, data[at] & 31
    at += 1
    if major == 7:
        if info == 27:
            return struct.unpack_from(">d", data, at)[0], at + 8
        return {20: False, 21: True, 22: None}[info], at
    size = info
    if info >= 24:
        width = 1 << (info - 24)
        size, at = int.from_bytes(data[at : at + width], "big"), at + width
    if major == 0:
        return size, at
    if major == 1:
        return -1 - size, at
    if major == 2:
        return bytes(data[at : at + size]), at + size
    if major == 3:
        return bytes(data[at : at + size]).decode(), at + size
    if major == 4:
        items = []
        for _ in range(size):
            item, at = decode(data, at)
            items.append(item)
        return items, at
    if major == 5:
        items = {}
        for _ in range(size):
            key, at = decode(data, at)
            items[key], at = decode(data, at)
        return items, at
    raise ValueError("no CBOR that a node sends")


class _Server:
    def __init__(self, trainer):
        self.trainer, self.size, self.folder = trainer, None, None
        self.requests = queue.Queue()
        self.rooms = {}  # what vectors are read into, by file: the next request writes over them
        self.told = {"cancel": 0, "enough": 0}  # of which request last: the word may come before its turn
        self.answers = os.fdopen(ANSWERS, "wb", buffering=0)

    def read(self):
        """In a thread of its own, so that a training hears that it is cancelled. The end of the node is our end."""
        source = os.fdopen(REQUESTS, "rb")
        while True:
            head = source.read(4)
            body = source.read(struct.unpack(">I", head)[0]) if len(head) == 4 else b""
            if not body:
                # The node is gone without a word: nobody else takes its vectors away.
                shutil.rmtree(self.folder or "", ignore_errors=True)
                os._exit(0)
            request, _ = decode(body)
            if request["op"] == "shutdown":
                os._exit(0)
            if request["op"] in self.told:
                self.told[request["op"]] = request["target"]
            else:
                self.requests.put(request)

    def say(self, id_, op, **fields):
        body = encode({"v": VERSION, "id": id_, "op": op, **fields})
        if len(body) > FRAME_BYTES_MAX:
            raise ValueError("vectors go by file")
        left = memoryview(struct.pack(">I", len(body)) + body)
        while left:
            left = left[self.answers.write(left) :]

    def serve(self):
        threading.Thread(target=self.read, daemon=True).start()
        while True:
            request = self.requests.get()
            try:
                answer = self.answer(request)
            except (Cancelled, DataError, Diverged, Unsupported) as error:
                self.say(request["id"], "error", code=_codes[type(error)], message=str(error))
            except MemoryError:
                raise
            except Exception as error:  # the node is told in one sentence, its log has the rest
                sys.excepthook(*sys.exc_info())
                self.say(request["id"], "error", code="failed", message=f"{type(error).__name__}: {error}"[:1000])
            else:
                self.say(request["id"], request["op"], **answer)

    def answer(self, request):
        op, trainer = request["op"], self.trainer
        if op == "describe":
            told = trainer.describe(request["model"], request["layout"])
            self.size = told["parameters"]
            can = [name for name in ("score", "gradient") if hasattr(trainer, name)]
            told.setdefault("layout", request["layout"] or [{"name": "parameters", "shape": [self.size], "offset": 0}])
            private = ["privacy"] if hasattr(trainer, "train_privately") else []
            early = ["enough"] if trainer.ends_early else []
            told.setdefault("capabilities", [*can, "deterministic", *private, *early])
            return {"name": trainer.name, "version": trainer.version, **told}
        if op == "init":
            self.folder = request["folder"]
            private = hasattr(trainer, "train_privately")
            return {"backend": trainer.init(request), **({"examples": trainer.examples()} if private else {})}
        if op == "initial":
            return self.write(request["out"], trainer.initial(request["seed"]))
        if op == "train":
            job = Job(request, self.told, lambda steps: self.say(request["id"], "progress", steps=steps))
            if job.privacy and not hasattr(trainer, "train_privately"):
                raise Unsupported("this trainer knows no DP-SGD")
            train = trainer.train_privately if job.privacy else trainer.train
            vector, loss, samples = train(self.load(request["in"]), job)
            cut = {"steps": job.made} if trainer.ends_early and job.made < job.steps else {}
            return {**self.write(request["out"], vector), "loss": float(loss), "samples": int(samples), **cut}
        if op == "evaluate":
            return trainer.evaluate(self.load(request["in"]))
        if op == "score" and hasattr(trainer, "score"):
            return {"losses": [float(loss) for loss in trainer.score([self.load(name) for name in request["ins"]])]}
        if op == "gradient" and hasattr(trainer, "gradient"):
            vector, loss = trainer.gradient(self.load(request["in"]))
            return {**self.write(request["out"], vector), "loss": float(loss)}
        raise Unsupported(f"{op} is not among what this trainer can do")

    def load(self, name):
        with open(os.path.join(self.folder, name), "rb", buffering=0) as file:
            numbers = os.fstat(file.fileno()).st_size // 4
            if numbers != self.size:
                raise ValueError(f"the model has {self.size} parameters, the vector {numbers}")
            if name not in self.rooms:
                self.rooms[name] = array("f", bytes(4 * numbers))
            vector = self.rooms[name]
            left = memoryview(vector).cast("B")
            while left:
                left = left[file.readinto(left) :]
        if sys.byteorder == "big":
            vector.byteswap()
        return vector

    def write(self, name, vector):
        try:
            view = memoryview(vector)
            data = view.cast("B") if view.format == "f" and view.contiguous else None
        except TypeError:
            data = None
        if data is None or sys.byteorder == "big":
            copy = array("f", vector)
            if sys.byteorder == "big":
                copy.byteswap()
            data = memoryview(copy).cast("B")
        # Over what is there: it is read before the next request.
        file = os.open(os.path.join(self.folder, name), os.O_WRONLY | os.O_CREAT, 0o600)
        with os.fdopen(file, "wb", buffering=0) as out:
            left = data
            while left:
                left = left[out.write(left) :]
            out.truncate(len(data))
        return {"length": len(data) // 4, "sha256": hashlib.sha256(data).hexdigest()}


_codes = {Cancelled: "cancelled", DataError: "data", Diverged: "diverged", Unsupported: "unsupported"}


def serve(trainer):
    """Answers until the node ends it."""
    try:
        # What this process starts must not hold the node's pipes open.
        os.set_inheritable(REQUESTS, False)
        os.set_inheritable(ANSWERS, False)
    except OSError:
        sys.exit('This is a trainer, started by a node: starlings trainer check "python3 ' + sys.argv[0] + '"')
    _Server(trainer).serve()
