"""Trains a run's built-in dense network (mlp, logistic-regression) on MNIST-like files with numpy, beside nodes that use TensorFlow.js."""

import numpy as np
from dense_stack import layers_of, plain_sgd, read_split
from starlings_trainer import Diverged, Trainer, batch, learning_rate, serve

SCORED = 128


class NumpyMlp(Trainer):
    name, version = "numpy-mlp", "1"
    ends_early = True

    def describe(self, model, layout):
        self.layers = layers_of(model, layout)
        _, units, _, bias = self.layers[-1]
        return {"parameters": bias + units}

    def init(self, job):
        plain_sgd(job["training"])
        self.training, self.rounds = job["training"], job["rounds"]
        inputs, outputs = self.layers[0][0], self.layers[-1][1]

        def load(prefix):
            pixels, labels = read_split(job, prefix, inputs, outputs)
            rows = np.frombuffer(pixels, np.uint8).reshape(-1, inputs)
            return rows, np.frombuffer(labels, np.uint8).astype(np.int64)

        self.train_set, self.held_out = load("train"), load("t10k")
        return f"numpy {np.__version__}"

    def train(self, vector, job):
        flat = np.frombuffer(vector, np.float32).copy()
        total, size = 0.0, self.training["batchSize"]
        for step in range(job.steps):
            rows = batch(job.stream, step, len(self.train_set[1]), size)
            loss, gradient = self.loss_and_gradient(flat, rows)
            flat -= np.float32(learning_rate(self.training, self.rounds, job.round, step)) * gradient
            total += loss
            if not np.isfinite(total):
                raise Diverged(f"the loss is not a number at step {step} of {job.steps}: lower training.learningRate")
            if job.progress(step + 1):
                break
        return flat, total / job.made, job.made * size

    def gradient(self, vector):
        rows = np.arange(min(SCORED, len(self.train_set[1])))
        loss, gradient = self.loss_and_gradient(np.frombuffer(vector, np.float32), rows)
        return gradient, loss

    def evaluate(self, vector):
        losses, right = self.judge(vector, *self.held_out)
        return {"loss": losses.mean(), "accuracy": right.mean(), "examples": len(losses)}

    def score(self, vectors):
        rows, labels = self.train_set
        return [self.judge(vector, rows[:SCORED], labels[:SCORED])[0].mean() for vector in vectors]

    def judge(self, vector, rows, labels):
        logits = self.forward(np.frombuffer(vector, np.float32), rows)[-1]
        losses, _ = softmax_loss(logits, labels)
        return losses, logits.argmax(1) == labels

    def tensors(self, flat, layer):
        inputs, units, kernel, bias = layer
        return flat[kernel : kernel + inputs * units].reshape(inputs, units), flat[bias : bias + units]

    def forward(self, flat, rows):
        values = [rows.astype(np.float32) / np.float32(255)]
        for index, layer in enumerate(self.layers):
            kernel, bias = self.tensors(flat, layer)
            out = values[-1] @ kernel + bias
            values.append(out if index + 1 == len(self.layers) else np.maximum(out, 0))
        return values

    def loss_and_gradient(self, flat, rows):
        images, labels = self.train_set[0][rows], self.train_set[1][rows]
        values = self.forward(flat, images)
        losses, errors = softmax_loss(values[-1], labels)
        errors[np.arange(len(labels)), labels] -= 1
        errors /= np.float32(len(labels))
        gradient = np.zeros_like(flat)
        for index in range(len(self.layers) - 1, -1, -1):
            kernel, _ = self.tensors(flat, self.layers[index])
            kernel_change, bias_change = self.tensors(gradient, self.layers[index])
            kernel_change[:] = values[index].T @ errors
            bias_change[:] = errors.sum(0)
            errors = (errors @ kernel.T) * (values[index] > 0)
        return float(losses.mean()), gradient


def softmax_loss(logits, labels):
    shifted = logits - logits.max(1, keepdims=True)
    powers = np.exp(shifted)
    total = powers.sum(1)
    return np.log(total) - shifted[np.arange(len(labels)), labels], powers / total[:, None]


if __name__ == "__main__":
    serve(NumpyMlp())
