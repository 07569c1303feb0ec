# SSA as Spikformer has it: in a residual of spikes, so that q, k, v and the MLP read integers.
from mechanisms.ssa import Ssa
from spiking_blocks import IntegerBlock


class SpikformerSsa(Ssa):
    about = "SSA attention, integer residual"
    block = IntegerBlock
