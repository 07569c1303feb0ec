# Makes the PyTorch fixtures beside this file: python3 make_checkpoints.py
import argparse
import collections

import torch

grid = torch.arange(6, dtype=torch.float32).reshape(2, 3) / 4
state = collections.OrderedDict([
    ("float", grid),
    ("double", grid.double()),
    ("half", grid.half()),
    ("bfloat16", grid.bfloat16()),
    ("long", torch.tensor(7)),
    ("bool", torch.tensor([True, False])),
    ("view", grid[1, 1:]),
    ("transposed", grid.t()),
    ("empty", torch.zeros(0, 3)),
    ("parameter", torch.nn.Parameter(grid)),
])
torch.save(state, "state.pt")
averaged = {"float": grid + 1}
torch.save({"epoch": 3, "arch": "m", "args": argparse.Namespace(lr=0.1, name="x"), "state_dict": dict(state, note=None),
            "state_dict_ema": averaged, "optimizer": {"state": {}, "param_groups": [{"lr": 1e-3}]}}, "timm.pth.tar")
torch.save(torch.nn.Linear(2, 2), "module.pt")
torch.save(averaged, "legacy.pt", _use_new_zipfile_serialization=False)
torch.save({"weight": torch.tensor([1.0, float("nan")])}, "nan.pt")
torch.save({"weight": torch.ones(1).expand(1000)}, "expanded.pt")
