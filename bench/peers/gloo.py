"""One of two processes of Gloo (torch.distributed) that bench/transport.mjs measures; it speaks the lines of transport-peer.mjs.

    python3 bench/peers/gloo.py RANK STORE_FILE
"""

import json
import sys
import time

try:
    import torch
    import torch.distributed as dist
except ImportError as error:
    print(json.dumps({"missing": f"python3 cannot import torch: {error}"}), flush=True)
    sys.exit(0)

rank, store = int(sys.argv[1]), sys.argv[2]
torch.set_num_threads(1)
dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
print(json.dumps({"ready": True}), flush=True)


def all_reduce(tensor):
    dist.all_reduce(tensor)


def ping_pong(tensor):
    if rank == 0:
        dist.send(tensor, 1)
        dist.recv(tensor, 1)
    else:
        dist.recv(tensor, 0)
        dist.send(tensor, 0)


def one_way(tensor):
    if rank == 0:
        dist.send(tensor, 1)
        dist.recv(tensor[:1], 1)
    else:
        dist.recv(tensor, 0)
        dist.send(tensor[:1], 0)


OPERATIONS = {"allReduce": all_reduce, "pingPong": ping_pong, "oneWay": one_way}

for line in sys.stdin:
    request = json.loads(line)
    operation = OPERATIONS[request["op"]]
    tensor = torch.zeros(request["bytes"] // 4)
    tensor.fill_(1)
    times = []
    cpu = time.process_time()
    for _ in range(request["times"]):
        begun = time.perf_counter()
        operation(tensor)
        times.append((time.perf_counter() - begun) * 1e3)
    cpu_ms = (time.process_time() - cpu) * 1e3 / len(times)
    print(json.dumps({"ms": times, "cpuMs": cpu_ms}), flush=True)
