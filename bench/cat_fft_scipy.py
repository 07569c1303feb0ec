# Times the circulant product of 32 channels by scipy.fft in float32: the peer of volley_cat_bench's transform lines.
import time

import numpy as np
import scipy.fft

CHANNELS = 32


def least_time(call, repeats=7, seconds=0.05):
    """CPU time of one call [us]: the least of several rows of calls."""
    best = float("inf")
    for _ in range(repeats):
        count, start = 0, time.process_time()
        while time.process_time() - start < seconds:
            call()
            count += 1
        best = min(best, (time.process_time() - start) / count)
    return best * 1e6


def main():
    rng = np.random.default_rng(0)
    for tokens in (64, 196, 257, 1000, 1021, 1024, 4096, 16384):
        values = rng.standard_normal((tokens, CHANNELS)).astype(np.float32)
        spectrum = scipy.fft.rfft(rng.standard_normal(tokens).astype(np.float32))[:, None]
        us = least_time(lambda: scipy.fft.irfft(scipy.fft.rfft(values, axis=0) * spectrum, n=tokens, axis=0))
        print(f"N {tokens}: {us:.1f} us")


if __name__ == "__main__":
    main()
