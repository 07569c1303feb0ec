# Writes and reads safetensors files of float32 tensors.
import json
import struct

import numpy as np

HEADER_MULTIPLE = 8


def save(path, tensors, metadata):
    """u64 header length, JSON header padded with spaces, then the tensors, little-endian, by name."""
    header, offset = {"__metadata__": metadata}, 0
    names = sorted(tensors)
    for name in names:
        size = tensors[name].size * 4
        shape = list(tensors[name].shape)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % HEADER_MULTIPLE)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name in names:
            file.write(tensors[name].astype("<f4").tobytes())


def load(path):
    """(name -> float32 array, metadata)."""
    with open(path, "rb") as file:
        length, = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        values = np.frombuffer(file.read(), "<f4")
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        first, end = (offset // 4 for offset in entry["data_offsets"])
        tensors[name] = values[first:end].reshape(entry["shape"])
    return tensors, metadata
