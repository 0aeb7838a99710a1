"""Replays full-batch steps of a run in PyTorch from its initial weights, and prints how far the losses are apart.

    node bin/lockstep.js train JOB.yaml --set training.batchSize=full --max-steps 0  --out runs/initial
    node bin/lockstep.js train JOB.yaml --set training.batchSize=full --max-steps 20 --out runs/twenty
    python3 bench/peers/replay.py runs/initial runs/twenty IMAGES LABELS

IMAGES and LABELS are the IDX files (not compressed) of exactly the samples that the run trained on. The model must be a chain
of dense, batchNorm (sync: global), relu, tanh, sigmoid and linear layers with softmaxCrossEntropy, trained without clipping,
decay, warm-up and L1. PyTorch computes in float64, so that what is seen is Lockstep's own rounding; with --float32 it rounds,
too, and the two errors add up. The exit status is 1 where a loss is off by more than 1e-4, relatively.

Weights whose gradient is zero but for rounding, such as those of pixels that are always black in front of batch norm, are moved
by Adam and RMSprop all the same: there, and with learning rates at the edge of divergence, float32 losses drift apart soonest.
"""
import argparse
import json
import struct
import sys
from pathlib import Path

import torch
from torch import nn

LIMIT = 1e-4


def read_idx(path):
    data = Path(path).read_bytes()
    dimensions = struct.unpack(f">{data[3]}I", data[4 : 4 + 4 * data[3]])
    return torch.frombuffer(bytearray(data), dtype=torch.uint8, offset=4 + 4 * data[3]).view(dimensions[0], -1)


def read_safetensors(path):
    data = Path(path).read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    tensors = {}
    for name, entry in json.loads(data[8 : 8 + length]).items():
        if name != "__metadata__":
            start, end = (8 + length + offset for offset in entry["data_offsets"])
            tensors[name] = torch.frombuffer(bytearray(data[start:end]), dtype=torch.float32).view(entry["shape"])
    return tensors


def build(layers, inputs, tensors):
    """The chain of modules with the given weights, which are put in by their names in model.safetensors."""
    modules = []
    for index, layer in enumerate(layers):
        kind = layer["type"]
        values = {name.split(".")[2]: value for name, value in tensors.items() if name.startswith(f"{index}.")}
        if kind == "dense":
            module = nn.Linear(inputs, layer["units"], bias=layer["bias"])
            inputs = layer["units"]
        elif kind == "batchNorm" and layer["sync"] == "global":
            # PyTorch's momentum is the share of the new value, and its scale and shift are called weight and bias.
            module = nn.BatchNorm1d(inputs, eps=layer["epsilon"], momentum=1 - layer["momentum"])
            values = {{"gamma": "weight", "beta": "bias"}.get(name, name): value for name, value in values.items()}
        elif kind in ("relu", "tanh", "sigmoid", "linear"):
            module = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "linear": nn.Identity}[kind]()
        else:
            sys.exit(f"layer {index} is {kind}, which this script does not replay")
        module.load_state_dict(values, strict=False)
        modules.append(module)
    return nn.Sequential(*modules)


def optimizer_for(model, training, samples):
    spec = training["optimizer"]
    rest = training["regularization"]["l1"], training["clipNorm"], training["warmupSteps"], training["decay"]["type"]
    if rest != (0, None, 0, "constant"):
        sys.exit("this script replays neither L1 nor clipping, warm-up and decay")
    # A penalty λ/(2m)·‖W‖² adds (λ/m)·W to the gradient, of weights only.
    weights = [module.weight for module in model if isinstance(module, nn.Linear)]
    others = [value for value in model.parameters() if all(value is not weight for weight in weights)]
    groups = [{"params": weights, "weight_decay": training["regularization"]["l2"] / samples}, {"params": others}]
    rate = spec["learningRate"]
    if spec["type"] == "adam":
        return torch.optim.Adam(groups, lr=rate, betas=(spec["beta1"], spec["beta2"]), eps=spec["epsilon"])
    if spec["type"] == "rmsprop":
        return torch.optim.RMSprop(groups, lr=rate, alpha=spec["beta"], eps=spec["epsilon"])
    if spec["type"] == "gradientDescent":
        return torch.optim.SGD(groups, lr=rate)
    sys.exit("PyTorch has no momentum in the form of an average that starts at zero")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("initial", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("images")
    parser.add_argument("labels")
    parser.add_argument("--float32", action="store_true")
    options = parser.parse_args()
    dtype = torch.float32 if options.float32 else torch.float64

    record = json.loads((options.run / "run.json").read_text())
    lines = [json.loads(line) for line in (options.run / "metrics.jsonl").read_text().splitlines()]
    expected = [line["loss"] for line in lines if not line.get("evaluation")]
    mean, inverse = (torch.tensor(record["normalization"][key], dtype=dtype) for key in ("mean", "inverseDeviation"))
    inputs = (read_idx(options.images).to(dtype) - mean) * inverse
    labels = read_idx(options.labels).view(-1).long()

    model = build(record["job"]["model"]["layers"], inputs.shape[1], read_safetensors(options.initial / "model.safetensors"))
    model = model.to(dtype)
    optimizer = optimizer_for(model, record["job"]["training"], len(inputs))
    worst = 0.0
    for step, wanted in enumerate(expected, start=1):
        loss = nn.functional.cross_entropy(model(inputs), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        deviation = abs(loss.item() / wanted - 1)
        worst = max(worst, deviation)
        print(f"step {step:3}   Lockstep {wanted:.8f}   PyTorch {loss.item():.8f}   relative deviation {deviation:.1e}")
    model.eval()
    with torch.no_grad():
        final = nn.functional.cross_entropy(model(inputs), labels).item()
    print(f"final      Lockstep {record['final']['train']['loss']:.8f}   PyTorch {final:.8f}   (running statistics)")
    print(f"largest relative deviation in {len(expected)} steps: {worst:.1e}")
    sys.exit(0 if worst <= LIMIT else 1)


if __name__ == "__main__":
    main()
