"""Writes shd.h5: two samples in the form of the Spiking Heidelberg Digits. Run in this folder."""
import h5py
import numpy as np

with h5py.File("shd.h5", "w", libver="earliest") as file:
    spikes = file.create_group("spikes")
    times = spikes.create_dataset("times", (2,), dtype=h5py.vlen_dtype(np.float16))
    units = spikes.create_dataset("units", (2,), dtype=h5py.vlen_dtype(np.uint16))
    times[0] = np.array([0.25, 0.125, 0.5], np.float16)
    units[0] = np.array([699, 3, 0], np.uint16)
    times[1] = np.array([1.0], np.float16)
    units[1] = np.array([42], np.uint16)
    file["labels"] = np.array([7, 1], np.uint16)
