"""What it costs that all blocks of a grid wait for each other: the persistent kernel does it every step."""

from __future__ import annotations

from typing import Any

from gpu_sections.bench import Bench, say

THREADS = 256

CODE = r"""
extern "C" __global__ void wait_for_all(unsigned* counter, int rounds) {
    unsigned patience = 1u << 22;
    for (int round = 1; round <= rounds; ++round) {
        __syncthreads();
        if (threadIdx.x == 0) {
            unsigned seen, all = round * gridDim.x;
            asm volatile("red.release.gpu.global.add.u32 [%0], 1;" :: "l"(counter) : "memory");
            do {
                asm volatile("ld.acquire.gpu.global.u32 %0, [%1];" : "=r"(seen) : "l"(counter) : "memory");
            } while (seen < all && patience && --patience);
        }
        __syncthreads();
    }
    if (!patience) { counter[1] = 1; }
}

extern "C" __global__ void wait_for_nobody(unsigned* counter, int rounds) {
    for (int round = 1; round <= rounds; ++round) {
        __syncthreads();
        if (threadIdx.x == 0) { asm volatile("" ::: "memory"); }
        __syncthreads();
    }
}
"""
"""Add one, wait until all have; a block that has looked millions of times waits no more, and says so.

The second kernel is the same without the waiting.
"""


def run(bench: Bench) -> None:
    """Record launches of few and of many barriers; the cost of one is the difference by the difference."""
    xp, device = bench.device.xp, bench.device
    counter = xp.zeros(2, dtype=xp.uint32)
    for name in ("wait_for_all", "wait_for_nobody"):
        kernel = xp.RawKernel(CODE, name, enable_cooperative_groups=True)
        for blocks in bench.plan.blocks:
            for rounds in bench.plan.rounds:
                with bench.attempt("barrier", kernel=name, blocks=blocks, rounds=rounds):
                    say(f"{name}, {blocks} blocks, {rounds} rounds")

                    def launch(kernel: Any = kernel, blocks: int = blocks, rounds: int = rounds) -> None:
                        counter.fill(0)
                        kernel((blocks,), (THREADS,), (counter, xp.int32(rounds)))

                    taken = device.samples(launch, bench.plan.repeats)
                    bench.record("barrier", kernel=name, blocks=blocks, rounds=rounds, **taken)
                    if int(counter[1]):
                        raise RuntimeError("the blocks looked for each other millions of times, and gave up")
