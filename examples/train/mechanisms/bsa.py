# BSA: ternary q and k, exact Shiftmax, real v that is shifted.
from mechanisms.bipolar import Bipolar


class Bsa(Bipolar):
    def __init__(self, width, heads, tokens, max_shift=8, qk_threshold=1.5, out_threshold=1.0):
        super().__init__(width, heads, tokens, max_shift=max_shift, qk_threshold=qk_threshold,
                         out_threshold=out_threshold)
        self.about = "BSA attention, ternary q and k"
