"""Flower's simulation of the shares that bench/flower.ts names: federated averaging of an MLP 784-64-10, a line of JSON for each round."""

import json
import logging
import sys

import numpy as np
import torch
from flwr.client import ClientApp, NumPyClient
from flwr.common import Context, ndarrays_to_parameters
from flwr.server import ServerApp, ServerAppComponents, ServerConfig
from flwr.server.strategy import FedAvg
from flwr.simulation import run_simulation

job = json.loads(sys.argv[1])
logging.getLogger("flwr").setLevel(logging.ERROR)
torch.manual_seed(1)
loss_of = torch.nn.CrossEntropyLoss()


def idx(folder, name, head):
    return np.fromfile(f"{folder}/{name}", dtype=np.uint8)[head:]


def part(folder, name):
    labels = torch.from_numpy(idx(folder, f"{name}-labels-idx1-ubyte", 8).astype(np.int64))
    pixels = idx(folder, f"{name}-images-idx3-ubyte", 16).reshape(len(labels), -1)
    return torch.from_numpy(pixels).float() / 255, labels


def made():
    return torch.nn.Sequential(torch.nn.Linear(784, 64), torch.nn.ReLU(), torch.nn.Linear(64, 10))


def vectors(model):
    return [value.detach().numpy() for value in model.state_dict().values()]


def load(model, arrays):
    names = model.state_dict().keys()
    model.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in zip(names, arrays)})


class Client(NumPyClient):
    def __init__(self, folder):
        self.inputs, self.labels = part(folder, "train")

    def fit(self, parameters, config):
        torch.set_num_threads(1)
        model = made()
        load(model, parameters)
        optimizer = torch.optim.SGD(model.parameters(), lr=job["learningRate"])
        for _ in range(job["localSteps"]):
            drawn = torch.randint(len(self.labels), (job["batchSize"],))
            optimizer.zero_grad()
            loss_of(model(self.inputs[drawn]), self.labels[drawn]).backward()
            optimizer.step()
        # What each counts for is the same, as in the run beside it.
        return vectors(model), 1, {}


def client_of(context: Context):
    return Client(job["shares"][int(context.node_config["partition-id"])]).to_client()


def server_of(context: Context):
    held_inputs, held_labels = part(job["shares"][0], "t10k")

    def evaluate(round_number, parameters, config):
        model = made()
        load(model, parameters)
        with torch.no_grad():
            accuracy = (model(held_inputs).argmax(1) == held_labels).float().mean().item()
        print(json.dumps({"round": round_number, "accuracy": accuracy}), flush=True)
        return 0.0, {"accuracy": accuracy}

    strategy = FedAvg(
        fraction_fit=1.0,
        fraction_evaluate=0.0,
        min_available_clients=len(job["shares"]),
        initial_parameters=ndarrays_to_parameters(vectors(made())),
        evaluate_fn=evaluate,
    )
    return ServerAppComponents(strategy=strategy, config=ServerConfig(num_rounds=job["rounds"]))


run_simulation(
    server_app=ServerApp(server_fn=server_of),
    client_app=ClientApp(client_fn=client_of),
    num_supernodes=len(job["shares"]),
    backend_config={"client_resources": {"num_cpus": 1, "num_gpus": 0.0}},
)
