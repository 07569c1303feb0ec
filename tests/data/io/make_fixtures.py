# Makes the .npy and .npz fixtures beside this file with numpy: python3 make_fixtures.py
import gzip
import struct

import numpy as np

grid = np.arange(6, dtype="<f4").reshape(2, 3) / 4
np.save("plain.npy", grid)
np.save("fortran.npy", np.asfortranarray(np.arange(24, dtype="<i2").reshape(2, 3, 4)))
np.save("big_endian.npy", np.arange(-2, 3, dtype=">i4"))
np.save("big_endian_fortran.npy", np.asfortranarray(np.arange(6, dtype=">f8").reshape(2, 3)))
np.save("scalar.npy", np.float64(2.5))
np.save("empty.npy", np.zeros((0, 3), "<f4"))
np.save("half.npy", np.array([1, -0.5, 65504, 6e-8, 0], "<f2"))
np.save("bool.npy", np.array([True, False, True]))
np.save("objects.npy", np.array([{"a": 1}, None], dtype=object), allow_pickle=True)
np.save("structured.npy", np.zeros(2, dtype=[("t", "<i8"), ("x", "<i2"), ("p", "u1")]))
np.save("complex.npy", np.zeros(2, dtype="<c8"))
np.save("text.npy", np.array(["a", "bc"]))
with open("version2.npy", "wb") as file:
    np.lib.format.write_array(file, grid, version=(2, 0))
with open("version3.npy", "wb") as file:
    np.lib.format.write_array(file, grid, version=(3, 0))
np.savez("stored.npz", image=grid, labels=np.array([1, 0], "<i8"))
np.savez_compressed("deflated.npz", image=np.zeros((2, 100), "<f4"), labels=np.array([1, 0], "|u1"))
np.savez("not_finite.npz", image=np.array([0, 1, np.nan], "<f4"), other=np.array([np.inf]))
images = struct.pack(">4I", 0x0803, 2, 2, 3) + bytes(range(0, 240, 20))
labels = struct.pack(">2I", 0x0801, 2) + bytes([7, 2])
for name, content in (("images.idx", images), ("labels.idx", labels)):
    open(name, "wb").write(content)
    open(name + ".gz", "wb").write(gzip.compress(content, mtime=0))
