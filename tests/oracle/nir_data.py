"""Holds the NIRData that volley writes to the nir package (1.0.8): nir_data.py VOLLEY. 77: the package is not there."""
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    import nir
    import numpy as np
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

volley = sys.argv[1]
source = Path(__file__).resolve().parents[2]
steps = 7  # 7 * 1e-4 / 1e-4 is less than 7 in binary


def run(model, data, record, dt, folder):
    words = [volley, "run", model, "--input", data, "--steps", str(steps), "--record", ",".join(record), "-q"]
    subprocess.run(words + ["-o", f"{folder}/a.npz"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(words + ["-o", f"{folder}/a.nirdata", "--dt", str(dt)], check=True, stdout=subprocess.DEVNULL)
    return np.load(f"{folder}/a.npz"), nir.read_data(f"{folder}/a.nirdata")


def rows(array):
    """[T S ...] of volley as [S T N], an image with its channels in front."""
    if array.ndim == 5:
        array = array.transpose(0, 1, 4, 2, 3)
    return array.swapaxes(0, 1).reshape(array.shape[1], array.shape[0], -1)


checked = 0
with tempfile.TemporaryDirectory() as folder:
    digits = str(source / "examples/digits/ssa.txtpb")
    images = "spikformer:dim=32,heads=4,depth=1,image=16"
    cases = [(digits, "digits", ["block0.lif", "block0.attn", "encode"]),
             (images, "random:3", ["patch_embed.proj_lif", "patch_embed.proj_conv1", "block.0.attn.add"])]
    for model, data, record in cases:
        for dt in (1e-4, 1e-3, 1 / 3):
            arrays, graph = run(model, data, record, dt, folder)
            for node in record:
                (key, found), = graph.nodes[node].observables.items()
                want = rows(arrays[node])
                if isinstance(found, nir.EventData):
                    assert key == "spikes", (node, key)
                    found = found.to_time_gridded(dt)
                got = found.data.astype(np.float32)
                assert got.shape == want.shape and (got == want).all(), (model, node, dt, got.shape, want.shape)
                checked += got.size
print(f"nir_data: {checked} numbers read back by nir {nir.__version__}")
