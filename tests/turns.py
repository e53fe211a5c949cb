"""Threads of simulated CUDA blocks take turns: each runs until it must wait for others, and ends so.

They are greenlets of one thread of the system: hundreds are made and woken for a launch. The order of turns
is always the same, or drawn from a seed. A thread waits for its block, or for its warp, or it spins: it looks
again and again at memory that another one will write. When nobody can go on, that is an error which says so.
"""

import random

import numpy as np
from greenlet import getcurrent, greenlet
from numba.cuda.simulator.kernel import BlockThread
from numba.cuda.simulator.kernelapi import Dim3

GOING, SPINNING, AT_BARRIER, IN_WARP, ENDED = (
    "is going",
    "spins",
    "is at a barrier",
    "waits for its warp",
    "ended",
)

IDLE_ROUNDS = 1000
"""So many rounds in which threads only spin are a deadlock; a kernel that gives up sooner is none."""

WARP = 32


class TakingTurns(greenlet):
    """A CUDA thread that runs only when it is told to, until it must wait or ends.

    It has what the stock simulator's `BlockThread` has for those in a kernel.
    """

    def __init__(self, run, manager, block, place):
        super().__init__(run)
        self.blockIdx, self.threadIdx = Dim3(*block), Dim3(*place)
        x, y, _ = manager._block_dim
        self.thread_id = place[0] + x * (place[1] + y * place[2])
        self.state = GOING
        self.mask = self.value = self.received = None
        self._manager = manager

    syncthreads_count = BlockThread.syncthreads_count
    syncthreads_and = BlockThread.syncthreads_and
    syncthreads_or = BlockThread.syncthreads_or

    def advance(self):
        """Run until it must wait or ends; raise what the kernel raised."""
        self.state = GOING
        try:
            self.switch()
        except Exception as error:
            error.add_note(f"in thread {list(self.threadIdx)} of block {list(self.blockIdx)}")
            raise
        finally:
            if self.dead:
                self.state = ENDED

    def wait(self, state):
        """Give up the turn; called by the thread itself."""
        self.state = state
        self.parent.switch()

    def syncthreads(self):
        """Meet the other threads of the block."""
        self.wait(AT_BARRIER)

    def spin(self):
        """Let the others have a turn before this thread looks again."""
        self.wait(SPINNING)

    def exchange(self, mask, value):
        """Meet the threads of the warp that `mask` names; return the values that all of them brought."""
        self.mask, self.value = int(mask), value
        self.wait(IN_WARP)
        return self.received


def threads_of(block, manager, function, args):
    """Return the threads of one block."""

    def run():
        with np.errstate(invalid="ignore"):  # a GPU makes NaN without a word
            function(*args)

    return [TakingTurns(run, manager, block, place) for place in np.ndindex(*manager._block_dim)]


def run_in_turns(blocks, seed=None):
    """Run the threads of some blocks, which may wait for each other, to their end.

    Each in its turn, blocks go on until they must wait: one that should wait sooner, and does not, meets
    memory as far from the right state as can be.

    Parameters
    ----------
    blocks : list of list of TakingTurns
    seed : int, optional
        Draws whose turn it is, a warp's up to its next barrier, so that some wait long; by default the blocks
        take turns as they are numbered.
    """
    draw = random.Random(seed) if seed is not None else None
    warps = [(block, warp) for block in blocks for warp in warps_of(block)]
    idle_rounds = 0
    try:
        while any(thread.state is not ENDED for block in blocks for thread in block):
            if draw is None:
                went_on = sum(go_on_through_barriers(block) for block in blocks)
            else:
                went_on = sum(go_on(block, [warp]) for block, warp in draw.choices(warps, k=len(warps)))
            idle_rounds = 0 if went_on else idle_rounds + 1
            can_go = any(thread.state in (GOING, SPINNING) for block in blocks for thread in block)
            if not went_on and (not can_go or idle_rounds > IDLE_ROUNDS):
                raise RuntimeError(f"deadlock: {what_they_wait_for(blocks)}")
    finally:
        end_all(blocks)


def warps_of(block):
    """Return the threads of a block warp by warp."""
    return [block[first : first + WARP] for first in range(0, len(block), WARP)]


def go_on_through_barriers(block):
    """Let a block go on until it can only wait for others; return how many turns its threads had."""
    turns = 0
    while went_on := go_on(block, warps_of(block)):
        turns += went_on
    return turns


def go_on(block, warps):
    """Let warps of a block go on until they can only wait; return how many turns their threads had."""
    turns = 0
    while went_on := sum(let_go_on(warp) + release_warp(warp) for warp in warps):
        turns += went_on
    return turns + release_barrier(block)


def let_go_on(warp):
    """Give each thread that can go a turn; return how many did more than look once more."""
    went_on = 0
    for thread in warp:
        before = thread.state
        if before in (GOING, SPINNING):
            thread.advance()
            went_on += (before, thread.state) != (SPINNING, SPINNING)
    return went_on


def release_barrier(block):
    """Let a block go on whose threads are all at a barrier; return whether they were."""
    states = {thread.state for thread in block}
    if states == {AT_BARRIER, ENDED}:
        raise RuntimeError(f"only part of block {list(block[0].blockIdx)} reached a barrier")
    if states != {AT_BARRIER}:
        return 0
    for thread in block:
        thread.state = GOING
    return 1


def release_warp(warp):
    """Let those threads of a warp go on that a mask names, if all have come; return how many."""
    released = 0
    for mask in {thread.mask for thread in warp if thread.state is IN_WARP}:
        named = [thread for lane, thread in enumerate(warp) if mask >> lane & 1]
        if all(thread.state is IN_WARP and thread.mask == mask for thread in named):
            received = {lane_of(thread): thread.value for thread in named}
            for thread in named:
                thread.received, thread.state = received, GOING
            released += len(named)
    return released


def what_they_wait_for(blocks):
    """Say how many threads of which blocks wait for what."""
    found = {}
    for thread in (thread for block in blocks for thread in block):
        found.setdefault((tuple(thread.blockIdx), thread.state), []).append(thread)
    return "; ".join(
        f"block {block}: {len(some)} threads, each {state}" for (block, state), some in found.items()
    )


def end_all(blocks):
    """Have the threads leave the kernel that are still in it, so that it leaves nothing behind."""
    for thread in (thread for block in blocks for thread in block):
        if thread:  # begun, and not ended
            thread.throw()


def lane_of(thread):
    """Return a thread's place in its warp."""
    return thread.thread_id % WARP


def shuffle_from(source):
    """Return a shuffle that takes the value of the lane `source(lane, by)`, or keeps one's own."""

    def shuffle(module, mask, value, by):
        thread = getcurrent()
        received = thread.exchange(mask, value)
        return received.get(source(lane_of(thread), by), value)

    return shuffle


SHUFFLES = {
    "shfl_sync": shuffle_from(lambda lane, by: by),
    "shfl_up_sync": shuffle_from(lambda lane, by: lane - by),
    "shfl_down_sync": shuffle_from(lambda lane, by: lane + by),
    "shfl_xor_sync": shuffle_from(lambda lane, by: lane ^ by),
}
"""The shuffles of numba.cuda, which its simulator lacks."""


def syncwarp(module, mask=0xFFFFFFFF):
    """Meet the threads of the warp."""
    getcurrent().exchange(mask, None)
