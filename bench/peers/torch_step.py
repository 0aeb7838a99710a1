"""A contestant of `lockstep bench train`: the same job in PyTorch, in one process. Asked {"steps"} it trains that many and answers
{"ms", "cpuMs", "loss"}: wall time, CPU time of all its threads, and the loss of the last step.

    python3 bench/peers/torch_step.py '{"images": ..., "labels": ..., "inputs": 784, "units": [512, 256], "threads": 1, ...}'

The images lie in memory as bytes, as they do in Lockstep; every step gathers a batch of a shuffled order and normalises it
with one mean and variance.
"""
import json
import sys
import time


def say(answer):
    print(json.dumps(answer), flush=True)


try:
    import torch
    from torch import nn
except ImportError as error:
    say({"missing": f"{sys.executable} has no torch ({error})"})
    sys.exit(0)


def read_idx(path, header, count):
    with open(path, "rb") as file:
        return torch.frombuffer(bytearray(file.read()), dtype=torch.uint8, offset=header).view(-1, count)


def build(inputs, units, outputs):
    layers = []
    for width in units:
        layers += [nn.Linear(inputs, width, bias=False), nn.BatchNorm1d(width), nn.ReLU()]
        inputs = width
    return nn.Sequential(*layers, nn.Linear(inputs, outputs))


class Training:
    def __init__(self, job):
        count, self.batch = job["count"], job["batch"]
        self.images = read_idx(job["images"], 16, job["inputs"])[:count]
        self.labels = read_idx(job["labels"], 8, 1)[:count, 0].long()
        pixels = self.images.float()
        self.mean, self.inverse_deviation = pixels.mean(), 1 / pixels.std()
        self.model = build(job["inputs"], job["units"], 10)
        self.loss = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=job["learningRate"])
        self.position, self.order = 0, torch.randperm(count)

    def step(self):
        if self.position >= len(self.order):
            self.position, self.order = 0, torch.randperm(len(self.order))
        ids = self.order[self.position : self.position + self.batch]
        self.position += self.batch
        x = self.images[ids].float().sub_(self.mean).mul_(self.inverse_deviation)
        loss = self.loss(self.model(x), self.labels[ids])
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        return loss.item()


def main():
    job = json.loads(sys.argv[1])
    torch.set_num_threads(job["threads"])
    torch.manual_seed(1)
    training = Training(job)
    say({"ready": True, "version": torch.__version__})
    for line in sys.stdin:
        start, cpu = time.perf_counter(), time.process_time()
        for _ in range(json.loads(line)["steps"]):
            loss = training.step()
        say({"ms": (time.perf_counter() - start) * 1e3, "cpuMs": (time.process_time() - cpu) * 1e3, "loss": loss})


if __name__ == "__main__":
    main()
