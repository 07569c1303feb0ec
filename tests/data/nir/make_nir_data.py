"""Writes recorded.nirdata and events.nirdata with the nir package (1.0.8). Run in this folder."""
import h5py
import nir
import numpy as np

inf = np.inf
spikes = nir.EventData(np.array([[1, 2, 0], [1, -1, -1]]), np.array([[0.0, 1.2, 1.5], [1.75, inf, inf]]), 3, 2.0)
values = nir.ValuedEventData(np.array([[2, 0]]), np.array([[0.1, 1.5]]), 3, 2.0, np.array([[2.5, -1.0]]))
v = nir.TimeGriddedData(np.array([[[0.5, 1.0], [-1.0, 2.0]]], np.float32), 0.5)
nodes = {"lif": nir.NIRNodeData({"spikes": spikes, "v": v})}
nir.write_data("recorded.nirdata", nir.NIRGraphData(nodes))
# write_data of 1.0.8 writes a nested graph as the outer one again; its layout is written here by hand.


with h5py.File("recorded.nirdata", "a") as file:
    group = file["nodes"].create_group("inner")
    group.attrs["__type__"] = "NIRGraphData"
    group = group.create_group("nodes/if")
    group.attrs["__type__"] = "NIRNodeData"
    group = group.create_group("observables/value")
    group.attrs["__type__"] = "ValuedEventData"
    group.attrs["n_neurons"], group.attrs["t_max"] = values.n_neurons, values.t_max
    group["idx"], group["time"], group["value"] = values.idx, values.time, values.value
read = nir.read_data("recorded.nirdata")
assert (read.nodes["inner"].nodes["if"].observables["value"].value == values.value).all()

x = nir.EventData(np.array([[1, 0]]), np.array([[0.0, 1.0]]), 2, 2.0)
nir.write_data("events.nirdata", nir.NIRGraphData({"x": nir.NIRNodeData({"spikes": x})}))
