"""The persistent kernel against float64: blocks and slices, ragged shapes, pieces, a planted stall."""

import numpy as np
import pytest
from engines import simulated, to_numpy
from epochs import call

from xpnet_kernels import _launch, mlp_epoch
from xpnet_kernels.mlp_epoch.gpu import train_persistently
from xpnet_kernels.mlp_epoch.persistent.plan import plan_of_call

PATIENCE = 5 if simulated() else 100_000
"""Looks of a block that waits in vain: all others should have come by then."""

TOLERANCE = 1e-5
"""Of weights and of what they changed by, relative to the largest: some float32 roundings a step."""


@pytest.fixture
def epoch():
    """The module that runs the kernel, which numba.cuda brings."""
    from xpnet_kernels.mlp_epoch.persistent import epoch

    return epoch


def in_turns(seed, monkeypatch):
    """Have the blocks of the simulator run in an order that the seed draws."""
    if simulated():
        import simulator

        monkeypatch.setattr(simulator, "SEED", seed)


def train(xp, arrays, options, **more):
    """Run the kernel; return its results as NumPy arrays."""
    on_device = [xp.asarray(array) for array in arrays]
    return [to_numpy(result) for result in train_persistently(*on_device, **options, **more)]


def check(results, arrays, options):
    """Compare the results with the reference in float64: losses, weights, and what they changed by."""
    exact = [array.astype("float64") if array.dtype == np.float32 else array for array in arrays]
    wanted = mlp_epoch.reference(np, *exact, **options)
    np.testing.assert_allclose(results[0], wanted[0], rtol=TOLERANCE)
    for result, value, before in zip(results[1:], wanted[1:], arrays[3:], strict=True):
        assert result.dtype == np.float32
        assert np.abs(result - value).max() <= TOLERANCE * np.abs(value).max()
        change = value - before
        assert np.linalg.norm(result - before - change) <= TOLERANCE * np.linalg.norm(change)


CASES = {
    "one step": {"visited": 8},
    "five steps": {"visited": 40},
    "a smaller last batch": {"visited": 27},
    "a last batch of one": {"visited": 9},
    "one block": {"sizes": (16, 1, 1)},
    "six slices": {"sizes": (96, 2, 2), "visited": 12},
    "ragged units, odd classes": {"sizes": (32, 11, 7)},
    "ten classes": {"sizes": (16, 6, 10), "visited": 8},
    "twelve classes": {"sizes": (16, 6, 12)},
    "a batch of one": {"batch": 1, "visited": 4},
    "a batch of three lanes and more": {"sizes": (16, 3, 4), "batch": 43, "visited": 60, "samples": 70},
    "a batch that fills lanes": {"sizes": (16, 3, 4), "batch": 32, "visited": 64},
    "float32": {"pixels": False},
    "float32, many units": {"pixels": False, "sizes": (16, 36, 4)},
    "pixels, many units, ten classes": {"sizes": (16, 36, 10), "visited": 24},
}


@pytest.mark.parametrize("case", CASES)
def test_it_agrees_with_float64(case, xp):
    arrays, options = call(**CASES[case])
    check(train(xp, arrays, options, deterministic=False), arrays, options)


@pytest.mark.parametrize("case", ["a smaller last batch", "one block", "six slices", "float32, many units"])
def test_the_deterministic_mode_agrees_with_float64(case, xp):
    arrays, options = call(**CASES[case])
    check(train(xp, arrays, options, deterministic=True), arrays, options)


@pytest.mark.parametrize("labels", ["uint8", "int32", "uint64"])
def test_labels_of_any_integer_dtype(labels, xp):
    arrays, options = call(labels=labels, visited=8)
    check(train(xp, arrays, options), arrays, options)


@pytest.mark.parametrize("seed", range(3))
def test_blocks_and_warps_may_come_in_any_order(seed, xp, monkeypatch):
    in_turns(seed, monkeypatch)
    arrays, options = call(sizes=(32, 7, 3), batch=24, visited=48)
    check(train(xp, arrays, options, deterministic=False), arrays, options)


def test_the_deterministic_mode_gives_the_same_bits_in_any_order(xp, monkeypatch):
    arrays, options = call(sizes=(96, 4, 3), visited=16)
    runs = []
    for seed in (None, 1, 2):
        in_turns(seed, monkeypatch)
        runs.append(train(xp, arrays, options, deterministic=True))
    for results in runs[1:]:
        for result, first in zip(results, runs[0], strict=True):
            assert result.tobytes() == first.tobytes()


@pytest.mark.skipif(not simulated(), reason="on a GPU the order of blocks is not ours to choose")
def test_the_other_mode_does_not(xp, monkeypatch):
    """Otherwise the test above would show nothing."""
    arrays, options = call(sizes=(96, 4, 3), visited=16)
    runs = set()
    for seed in (None, 1, 2):
        in_turns(seed, monkeypatch)
        runs.add(b"".join(result.tobytes() for result in train(xp, arrays, options, deterministic=False)))
    assert len(runs) > 1


@pytest.mark.parametrize(("value", "expected"), [(None, 0), ("", 0), ("0", 0), ("1", 1)])
def test_an_environment_variable_chooses_the_mode(value, expected, xp, monkeypatch):
    monkeypatch.delenv("XPNET_DETERMINISTIC", raising=False)
    if value is not None:
        monkeypatch.setenv("XPNET_DETERMINISTIC", value)
    arrays, options = call(visited=1)
    kept = {}
    train(xp, arrays, options, workspace=kept)
    assert kept["persistent"].plan.deterministic == expected


def test_an_epoch_in_pieces_is_the_same_epoch(xp, epoch, monkeypatch):
    arrays, options = call(visited=37)
    whole = train(xp, arrays, options, deterministic=True)
    monkeypatch.setattr(epoch, "STEPS_AT_ONCE", 2)
    pieces = train(xp, arrays, options, deterministic=True)
    for piece, result in zip(pieces, whole, strict=True):
        assert piece.tobytes() == result.tobytes()


def test_it_stops_between_pieces(xp, epoch, monkeypatch):
    monkeypatch.setattr(epoch, "STEPS_AT_ONCE", 3)
    arrays, options = call(visited=40)
    results = train(xp, arrays, options, should_stop=lambda: True)
    options["options"] = options["options"][:3]
    check(results, arrays, options)


def test_no_steps_leave_the_weights_as_they_are(xp):
    arrays, options = call(visited=0)
    losses, *new = train(xp, arrays, options)
    assert losses.shape == (0,)
    for array, before in zip(new, arrays[3:], strict=True):
        np.testing.assert_array_equal(array, before)


def test_the_workspace_serves_the_next_epoch_of_the_same_data_and_net(xp):
    arrays, options = call()
    on_device, kept = [xp.asarray(array) for array in arrays], {}
    for order in (arrays[2], arrays[2][::-1], arrays[2][:13]):
        on_device[2] = xp.asarray(order)
        options["options"] = options["options"][: -(-len(order) // 8)]
        results = train_persistently(*on_device, **options, workspace=kept)
        check([to_numpy(result) for result in results], [*arrays[:2], order, *arrays[3:]], options)
        buffers = kept.setdefault("first", kept["persistent"])
        assert kept["persistent"] is buffers
    on_device[0] = on_device[0] + 0
    train_persistently(*on_device, **options, workspace=kept)
    assert kept["persistent"] is not buffers


def test_out_receives_the_weights_and_may_be_the_arguments(xp):
    arrays, options = call()
    fresh = train(xp, arrays, options, deterministic=True)
    on_device = [xp.asarray(array.copy()) for array in arrays]
    results = train_persistently(*on_device, **options, deterministic=True, out=on_device[3:])
    assert all(result is array for result, array in zip(results[1:], on_device[3:], strict=True))
    for result, value in zip(results, fresh, strict=True):
        assert to_numpy(result).tobytes() == value.tobytes()


@pytest.mark.parametrize("which", [3, 4, 5, 6])
def test_nan_in_a_weight_reaches_the_loss(which, xp):
    arrays, options = call(visited=16)
    arrays[which].reshape(-1)[1] = np.nan
    losses = train(xp, arrays, options)[0]
    assert np.isnan(losses[-1])


def test_a_block_that_never_comes_is_an_error_and_the_net_stays(xp, epoch, monkeypatch):
    launch = _launch.launch_cooperatively
    monkeypatch.setattr(
        _launch, "launch_cooperatively", lambda kernel, blocks, *rest: launch(kernel, blocks - 1, *rest)
    )
    arrays, options = call()
    plan = plan_of_call(tuple(xp.asarray(array) for array in arrays), 8, False)
    on_device = [xp.asarray(array.copy()) for array in arrays]
    with pytest.raises(epoch.StalledError, match=rf"at step 1 .* {plan.blocks - 1} of {plan.blocks} blocks"):
        train_persistently(*on_device, **options, patience=PATIENCE, out=on_device[3:])
    for array, before in zip(on_device, arrays, strict=True):
        np.testing.assert_array_equal(to_numpy(array), before)


@pytest.mark.skipif(not simulated(), reason="kernels on a GPU are compiled; nothing can be planted in them")
def test_a_block_that_stops_coming_is_named_with_its_step_and_nobody_writes(xp, epoch, monkeypatch):
    from greenlet import getcurrent

    from xpnet_kernels.mlp_epoch.persistent import kernel

    arrive = kernel.arrive

    def tired(meeting, speaker):
        thread = getcurrent()
        if thread.blockIdx.x == 1 and meeting[0] >= 2 * 6:
            thread.syncthreads()
        else:
            arrive(meeting, speaker)

    monkeypatch.setattr(kernel, "arrive", tired)
    arrays, options = call(visited=32)
    kept = {}
    with pytest.raises(epoch.StalledError, match="at step 3 of the epoch only 5 of 6 blocks"):
        train(xp, arrays, options, patience=5, workspace=kept)
    np.testing.assert_array_equal(kept["persistent"].W1.reshape(32, 5), arrays[3])
    monkeypatch.setattr(kernel, "arrive", arrive)
    check(train(xp, arrays, options, workspace=kept), arrays, options)


@pytest.mark.skipif(not simulated(), reason="kernels on a GPU are compiled; nothing can be planted in them")
def test_without_the_meeting_the_weights_are_wrong(xp, monkeypatch):
    from xpnet_kernels.mlp_epoch.persistent import kernel

    monkeypatch.setattr(kernel, "all_have_arrived", lambda *args: True)
    arrays, options = call()
    with pytest.raises(AssertionError):
        check(train(xp, arrays, options), arrays, options)
