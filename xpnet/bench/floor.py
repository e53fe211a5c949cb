"""What this machine allows: its measured GEMM rate and memory bandwidth, and the least time they allow."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from xpnet.bench.case import Case


@dataclass(frozen=True)
class Floor:
    """The measured limits.

    Attributes
    ----------
    gemm : float
        FLOP/s of the quickest float32 matrix product that any contestant's library reached.
    gemm_by : str
        Whose it was.
    bandwidth : float
        Bytes read and written a second by copying arrays larger than the caches.
    """

    gemm: float
    gemm_by: str
    bandwidth: float

    def seconds(self, case: Case, samples: int) -> float:
        """Return the least time for an epoch: its products at the GEMM rate, or its data at the bandwidth."""
        return max(self.gemm_seconds(case, samples), case.bytes(samples) / self.bandwidth)

    def gemm_seconds(self, case: Case, samples: int) -> float:
        """Return the least time for an epoch's matrix products."""
        return case.flops(samples) / self.gemm


def bandwidth(threads: int, mebibytes: int = 128) -> float:
    """Measure the memory bandwidth of the host, in bytes a second.

    Every thread copies arrays of its own, as STREAM's copy does (McCalpin 1995): one read and one written a
    byte.
    """
    count = mebibytes * 2**20 // 8 // threads
    pairs = [(np.ones(count), np.empty(count)) for _ in range(threads)]
    best = float("inf")
    with ThreadPoolExecutor(threads) as pool:
        for _ in range(7):
            started = time.perf_counter()
            list(pool.map(lambda pair: np.copyto(pair[1], pair[0]), pairs))
            best = min(best, time.perf_counter() - started)
    return 2.0 * 8 * count * threads / best
