"""Writes events/: one small recording of each format, the same four events where it can hold them. Run in this folder."""
import struct

import numpy as np

EVENTS = [(100, 3, 7, 1), (110, 33, 0, 0), (110, 0, 33, 1), (250, 12, 12, 0)]  # t [us], x, y, p
t, x, y, p = (np.array(column) for column in zip(*EVENTS))


def write(name, *parts):
    with open("events/" + name, "wb") as file:
        file.write(b"".join(parts))


write("nmnist.bin", *(bytes([x, y]) + (p << 23 | t).to_bytes(3, "big") for t, x, y, p in EVENTS))
write("aedat2.aedat", b"#!AER-DAT2.0\r\n# DVS128\r\n", *(struct.pack(">II", x << 8 | y << 1 | p, t) for t, x, y, p in EVENTS))
packet = struct.pack("<HHIIIIII", 1, 1, 8, 4, 0, 4, 4, 4)
write("aedat3.aedat", b"#!AER-DAT3.1\r\n#Format: RAW\r\n#Source 1: DVS128\r\n#!END-HEADER\r\n", packet,
      *(struct.pack("<II", x << 17 | y << 2 | p << 1 | 1, t) for t, x, y, p in EVENTS))
write("prophesee.dat", b"% Data file containing CD events\n% Version 2\n% Height 240\n% Width 304\n", bytes([12, 8]),
      *(struct.pack("<II", t, x | y << 14 | p << 28) for t, x, y, p in EVENTS))
write("evt2.raw", b"% evt 2.0\n% geometry 1280x720\n% end\n",
      *(struct.pack("<II", 8 << 28 | t >> 6, p << 28 | (t & 63) << 22 | x << 11 | y) for t, x, y, p in EVENTS))
write("evt3.raw", b"% evt 3.0\n% format EVT3;height=720;width=1280\n", struct.pack("<H", 8 << 12),
      *(struct.pack("<HHH", 6 << 12 | t, y, 2 << 12 | p << 11 | x) for t, x, y, p in EVENTS),
      struct.pack("<HH", 3 << 12 | 100, 4 << 12 | 0b101))  # a vector of two more
# DVS-Gesture and CIFAR10-DVS as SpikingJelly keeps them.
np.savez("events/gesture.npz", t=t, x=x, y=y, p=p)
# DVS-Gesture as tonic keeps it: x, y, p, t [ms] in columns without names.
np.save("events/gesture.npy", np.stack([x, y, p, t / 1000], axis=1))
rows = np.zeros(4, dtype=[("y", "<i2"), ("t", "<i8"), ("p", "?"), ("x", ">u2")])
rows["t"], rows["x"], rows["y"], rows["p"] = t, x, y, p
np.save("events/rows.npy", rows)
