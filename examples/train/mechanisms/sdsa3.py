# SDSA-3 (V2): SSA in the order q (k^T v), here behind plain Linears, not the paper's RepConv.
from mechanisms.ssa import Ssa


class Sdsa3(Ssa):
    """The same numbers as SSA, another count."""
    about = "SDSA-3 attention, binary spikes"
    order = "q_kv"
