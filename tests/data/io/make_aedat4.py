"""Writes aedat4/: one recording a compression, by dv-processing 2.0.4 (pip install dv-processing). Run in this folder."""
import dv_processing as dv
import numpy as np

EVENTS = [(1_600_000_000_000_000 + 10 * i, (7 * i) % 240, (3 * i) % 180, i % 3 == 0) for i in range(100)]

for name in ["NONE", "LZ4", "LZ4_HIGH", "ZSTD", "ZSTD_HIGH"]:
    config = dv.io.MonoCameraWriter.Config("volley", getattr(dv.CompressionType, name))
    config.addEventStream((240, 180))
    config.addFrameStream((240, 180))
    config.addImuStream()
    config.addTriggerStream()
    writer = dv.io.MonoCameraWriter(f"aedat4/{name.lower()}.aedat4", config)
    for first in (0, 60):
        store = dv.EventStore()
        for event in EVENTS[first : first + 60]:
            store.push_back(*event)
        writer.writeEvents(store)
    writer.writeTrigger(dv.Trigger(EVENTS[50][0], dv.TriggerType.EXTERNAL_SIGNAL_RISING_EDGE))
    writer.writeFrame(dv.Frame(EVENTS[70][0], np.zeros((4, 4), np.uint8)))
    del writer  # which writes the table
