# Makes the seeds of the pickle fuzzer in the folder pickle: python3 make_pickles.py
import argparse
import collections
import pathlib
import pickle
import zipfile

folder = pathlib.Path(__file__).parent
things = {"none": None, "truth": [True, False], "integer": [0, 1, -1, 300, 70000, -2**40], "number": 0.25, "text": "a\nb",
          "bytes": b"\x00\xff", "tuple": ((), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)), "dict": {"key": []},
          "ordered": collections.OrderedDict(a=1), "object": argparse.Namespace(lr=0.1), "global": pathlib.PurePosixPath}
things["again"] = things["dict"]
for protocol in range(6):
    (folder / "pickle" / f"protocol{protocol}.pkl").write_bytes(pickle.dumps(things, protocol))
for checkpoint in ("state.pt", "timm.pth.tar", "expanded.pt", "module.pt"):
    archive = zipfile.ZipFile(folder / checkpoint)
    name = next(name for name in archive.namelist() if name.endswith("/data.pkl"))
    (folder / "pickle" / f"{checkpoint}.pkl").write_bytes(archive.read(name))
