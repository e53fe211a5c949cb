"""The implementations of an epoch as contestants."""

import numpy as np
import pytest
from engines import library_for, simulated
from stand_ins import SimulatedBackend

from xpnet.bench import reference
from xpnet.bench.case import Case
from xpnet.bench.tier import Tier, to_pixels
from xpnet_kernels import mlp_epoch


@pytest.mark.parametrize("pixels", [False, True])
def test_a_tier_trains_as_fit_does(play, pixels):
    tier = Tier("kernel", engine="numba", pixels=pixels)
    if pixels:  # the digits have 17 levels, which are no pixels
        with pytest.raises(ValueError, match="the samples are no pixels"):
            play(tier)
        return
    (outcome,) = play(tier).outcomes
    assert outcome.problems == []


VARIANTS = [one.variant for one in mlp_epoch.implementations if one.engine == "numba-cuda"]


WAYS = [(variant, {"pixels": pixels}) for variant in VARIANTS for pixels in (False, True)]
WAYS += [("persistent", {"deterministic": True})] if "persistent" in VARIANTS else []


@pytest.mark.parametrize(("variant", "options"), WAYS)
def test_a_tier_of_the_gpu_agrees_with_float64(variant, options, data, monkeypatch):
    """In the simulator, one step and two: what it is given is what the implementation takes."""
    library_for("numba-cuda", monkeypatch)
    if simulated():
        monkeypatch.setattr("xpnet.bench.tier.xpnet.use", lambda engine: SimulatedBackend())
    x = np.rint(data.x[:6, 16:32] * 255).astype(np.float32) / np.float32(255)
    few = data._replace(x=x, t=data.t[:6] % 3)
    case = Case((16, 4, 3), 4)
    tier = Tier(variant, **options)
    tier.prepare(case, few, case.weights())
    for number, samples in enumerate((4, 6)):
        before = [np.array(array) for array in tier.weights()]
        expected = reference.train(case, few, before, number, samples, np.float64)
        losses = tier.epoch(number, case.order(number, samples))
        np.testing.assert_allclose(losses, expected.losses, rtol=1e-4)
        for mine, its in zip(tier.weights(), expected.weights, strict=True):
            np.testing.assert_allclose(mine, its, rtol=1e-3, atol=1e-5)


def test_pixels_are_found_again():
    pixels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    np.testing.assert_array_equal(to_pixels(pixels.astype(np.float32) / 255), pixels)


def test_a_tier_that_is_not_there_is_named():
    with pytest.raises(ValueError, match="no implementation 'flying' on numba; there are: 'kernel'"):
        Tier("flying", engine="numba")


def test_a_tier_that_does_not_apply_says_why(case, data, monkeypatch):
    tier = Tier("kernel", engine="numba")
    obstacle = lambda *arrays, **options: f"{len(arrays)} arrays in batches of {options['batch_size']}"  # noqa: E731
    object.__setattr__(tier, "implementation", type(tier.implementation)("numba", "kernel", None, obstacle))
    with pytest.raises(
        ValueError, match=r"kernel does not apply to 64-20-10, batch 20: 7 arrays in batches of 20"
    ):
        tier.prepare(case, data, case.weights())


def test_samples_begin_where_kernels_read_them_in_place():
    """As those of `xpnet.datasets` do, and those that the other contestants of xpnet are given."""
    tier, data = Tier("kernel", engine="numba"), np.zeros((70, 784), np.float32)
    assert [tier.put(data).ctypes.data % 64 for _ in range(5)] == [0] * 5
