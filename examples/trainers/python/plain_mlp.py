"""Trains a run's built-in dense network (mlp, logistic-regression) on MNIST-like files, with the standard library alone: slow, and short."""

import math

from dense_stack import layers_of, plain_sgd, read_split
from starlings_trainer import Diverged, Trainer, batch, learning_rate, noise, poisson_sample, serve

SCORED = 128


class PlainMlp(Trainer):
    name, version = "plain-mlp", "1"
    ends_early = True

    def describe(self, model, layout):
        self.layers = layers_of(model, layout)
        inputs, units, _, bias = self.layers[-1]
        return {"parameters": bias + units}

    def init(self, job):
        plain_sgd(job["training"])
        self.training, self.rounds = job["training"], job["rounds"]
        inputs, outputs = self.layers[0][0], self.layers[-1][1]
        self.inputs = inputs
        self.train_set = read_split(job, "train", inputs, outputs)
        self.held_out = read_split(job, "t10k", inputs, outputs)
        return "the standard library of Python, one thread"

    def train(self, vector, job):
        weights, total, size = list(vector), 0.0, self.training["batchSize"]
        for step in range(job.steps):
            rows = batch(job.stream, step, len(self.train_set[1]), size)
            rate = learning_rate(self.training, self.rounds, job.round, step) / size
            steps = [self.gradient_of(weights, self.train_set, row) for row in rows]
            for _, changes in steps:
                for at, change in changes:
                    weights[at] -= rate * change
            total += sum(loss for loss, _ in steps) / size
            if not math.isfinite(total):
                raise Diverged(f"the loss is not a number at step {step} of {job.steps}: lower training.learningRate")
            if job.progress(step + 1):
                break
        return weights, total / job.made, job.made * size

    def examples(self):
        return len(self.train_set[1])

    def train_privately(self, vector, job):
        """DP-SGD (Abadi et al. 2016): what each example adds is clipped, the sum gets noise, and the divisor does not depend on who takes part."""
        weights, total, samples = list(vector), 0.0, 0
        clip, rate = job.privacy["clipNorm"], job.privacy["samplingRate"]
        for step in range(job.steps):
            changes = noise(len(weights), job.privacy["noiseMultiplier"] * clip)
            for row in poisson_sample(self.examples(), rate):
                loss, gradient = self.gradient_of(weights, self.train_set, row)
                norm = math.sqrt(sum(change * change for _, change in gradient))
                shrink = min(1.0, clip / norm) if norm > 0 else 1.0
                for at, change in gradient:
                    changes[at] += shrink * change
                total, samples = total + loss, samples + 1
            if not math.isfinite(total):
                raise Diverged(f"the loss is not a number at step {step} of {job.steps}: lower training.learningRate")
            pace = learning_rate(self.training, self.rounds, job.round, step) / (rate * self.examples())
            weights = [weight - pace * change for weight, change in zip(weights, changes)]
            if job.progress(step + 1):
                break
        return weights, total / max(1, samples), samples

    def evaluate(self, vector):
        return self.judge(vector, self.held_out, len(self.held_out[1]))

    def score(self, vectors):
        return [self.judge(vector, self.train_set, min(SCORED, len(self.train_set[1])))["loss"] for vector in vectors]

    def judge(self, vector, examples, count):
        loss, right = 0.0, 0
        for row in range(count):
            values = self.forward(vector, examples[0], row)[-1]
            lost, probabilities = softmax_loss(values, examples[1][row])
            loss += lost
            right += probabilities.index(max(probabilities)) == examples[1][row]
        return {"loss": loss / count, "accuracy": right / count, "examples": count}

    def forward(self, weights, pixels, row):
        """The values of every layer, the pixels first; of pixels and of what ReLU lets through only (place, value) where not 0."""
        image = pixels[row * self.inputs : (row + 1) * self.inputs]
        values = [[(at, pixel / 255) for at, pixel in enumerate(image) if pixel]]
        for index, (_, units, kernel, bias) in enumerate(self.layers):
            out = list(weights[bias : bias + units])
            for at, value in values[-1]:
                start = kernel + at * units
                out = [old + value * weight for old, weight in zip(out, weights[start : start + units])]
            last = index + 1 == len(self.layers)
            values.append(out if last else [(at, value) for at, value in enumerate(out) if value > 0])
        return values

    def gradient_of(self, weights, examples, row):
        """Loss of one example and its gradient as (place, value)."""
        values = self.forward(weights, examples[0], row)
        loss, errors = softmax_loss(values[-1], examples[1][row])
        errors[examples[1][row]] -= 1
        changes = []
        for index in range(len(self.layers) - 1, -1, -1):
            inputs, units, kernel, bias = self.layers[index]
            changes += zip(range(bias, bias + units), errors)
            before = [0.0] * inputs
            for at, value in values[index]:
                start = kernel + at * units
                changes += [(start + unit, value * error) for unit, error in enumerate(errors)]
                if index > 0:
                    before[at] = sum(w * error for w, error in zip(weights[start : start + units], errors))
            errors = before
        return loss, changes


def softmax_loss(logits, label):
    top = max(logits)
    powers = [math.exp(value - top) for value in logits]
    total = sum(powers)
    return math.log(total) + top - logits[label], [power / total for power in powers]


if __name__ == "__main__":
    serve(PlainMlp())
