"""One of the processes of Gloo (torch.distributed) that `lockstep bench allreduce` measures.

    python3 bench/peers/torch_allreduce.py RANK GROUPS STORE_FILE

GROUPS are the numbers of processes that will be asked for, such as 2,4,8; the largest of them is the number of processes. A request
{"processes", "bytes", "times"} is put to the first so many ranks; each answers {"ms", "cpuMs"} of one all-reduce, as means.
"""
import json
import sys
import time


def say(answer):
    print(json.dumps(answer), flush=True)


try:
    import torch
    import torch.distributed as dist
except ImportError as error:
    say({"missing": f"{sys.executable} has no torch ({error})"})
    sys.exit(0)


def main():
    rank, sizes, store = int(sys.argv[1]), [int(size) for size in sys.argv[2].split(",")], sys.argv[3]
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=max(sizes))
    groups = {size: dist.new_group(list(range(size))) for size in sizes}
    dist.barrier()
    say({"ready": True})
    for line in sys.stdin:
        request = json.loads(line)
        group = groups[request["processes"]]
        tensor = torch.zeros(request["bytes"] // 4).fill_(rank + 1)
        # The first one brings everybody to the same point, and touches the memory.
        dist.all_reduce(tensor, group=group)
        expected = request["processes"] * (request["processes"] + 1) // 2
        if request["check"] and not bool((tensor == expected).all()):
            sys.exit(f"rank {rank}: the sum is wrong")
        tensor.zero_()
        start, cpu = time.perf_counter(), time.process_time()
        for _ in range(request["times"]):
            dist.all_reduce(tensor, group=group)
        wall, busy = time.perf_counter() - start, time.process_time() - cpu
        say({"ms": wall * 1e3 / request["times"], "cpuMs": busy * 1e3 / request["times"]})


main()
