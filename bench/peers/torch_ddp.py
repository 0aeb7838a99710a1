"""One of the processes of PyTorch's DistributedDataParallel over Gloo that `lockstep bench train` measures; one thread each.

    python3 bench/peers/torch_ddp.py RANK PROCESSES STORE_FILE '{"images": ..., "labels": ..., "inputs": 784, "units": [512, 256], ...}'

Every process takes its share of the same shuffled batch. PyTorch's SyncBatchNorm needs CUDA, so batch norm is computed over each
process's own share: less communication than Lockstep's, which normalises over the whole batch, and other results for other
numbers of processes. DDP averages the gradients of the processes; batches are cut so that shares are equal.
"""
import json
import sys
import time


def say(answer):
    print(json.dumps(answer), flush=True)


try:
    import torch
    import torch.distributed as dist
    from torch import nn
    from torch.nn.parallel import DistributedDataParallel

    from torch_step import build, read_idx
except ImportError as error:
    say({"missing": f"{sys.executable} has no torch ({error})"})
    sys.exit(0)


class Training:
    def __init__(self, job, rank, processes):
        self.rank, self.share = rank, job["batch"] // processes
        self.batch = self.share * processes
        self.images = read_idx(job["images"], 16, job["inputs"])[: job["count"]]
        self.labels = read_idx(job["labels"], 8, 1)[: job["count"], 0].long()
        pixels = self.images.float()
        self.mean, self.inverse_deviation = pixels.mean(), 1 / pixels.std()
        # Both spare time: no broadcast of batch norm's running averages, no copy between gradients and buckets.
        options = {"broadcast_buffers": False, "gradient_as_bucket_view": True}
        self.model = DistributedDataParallel(build(job["inputs"], job["units"], 10), **options)
        self.loss = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=job["learningRate"])
        # The same order everywhere, and a new one in every epoch.
        self.generator = torch.Generator().manual_seed(1)
        self.shuffle()

    def shuffle(self):
        self.position, self.order = 0, torch.randperm(len(self.images), generator=self.generator)

    def step(self):
        if self.position + self.batch > len(self.order):
            self.shuffle()
        first = self.position + self.rank * self.share
        ids = self.order[first : first + self.share]
        self.position += self.batch
        x = self.images[ids].float().sub_(self.mean).mul_(self.inverse_deviation)
        loss = self.loss(self.model(x), self.labels[ids])
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        return loss.item()


def main():
    rank, processes, store, job = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], json.loads(sys.argv[4])
    torch.set_num_threads(1)
    torch.manual_seed(1)
    dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=processes)
    training = Training(job, rank, processes)
    dist.barrier()
    say({"ready": True, "version": torch.__version__})
    for line in sys.stdin:
        start, cpu = time.perf_counter(), time.process_time()
        for _ in range(json.loads(line)["steps"]):
            loss = training.step()
        say({"ms": (time.perf_counter() - start) * 1e3, "cpuMs": (time.process_time() - cpu) * 1e3, "loss": loss})


main()
