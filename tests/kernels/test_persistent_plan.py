"""What the persistent kernel can train, how it divides it, and what it says of the rest."""

import pytest
from epochs import call

from xpnet_kernels.mlp_epoch.gpu import train_persistently
from xpnet_kernels.mlp_epoch.persistent import obstacle
from xpnet_kernels.mlp_epoch.persistent.plan import MOST_HIDDEN, SHARED_BYTES, plan_for

H200 = 132


def test_the_plan_of_the_books_net():
    plan = plan_for(784, 50, 10, 100, H200)
    assert (plan.slices, plan.feature_warps, plan.units, plan.groups) == (7, 7, 3, 17)
    assert (plan.blocks, plan.threads) == (119, 256)


@pytest.mark.parametrize("batch", [1, 8, 100, 112])
@pytest.mark.parametrize("hidden", [1, 2, 50, 54, 55, MOST_HIDDEN])
@pytest.mark.parametrize("features", [16, 784, 96, 224])
def test_a_plan_covers_the_net_once_and_fits_the_card(features, hidden, batch):
    plan = plan_for(features, hidden, 10, batch, H200)
    assert plan.slices * plan.feature_warps * 16 == features
    assert (plan.groups - 1) * plan.units < hidden <= plan.groups * plan.units
    assert plan.blocks == plan.slices * plan.groups <= H200
    assert 8 * plan.samples >= batch
    assert plan.threads >= max(2 * plan.rows, 32 * (plan.feature_warps + 1))
    assert plan.threads <= 256
    assert plan.shared_bytes <= SHARED_BYTES


OBSTACLES = {
    "two hidden layers": ({}, {"activations": ("relu", "relu")}, "not Affine, ReLU, Affine"),
    "tanh": ({}, {"activations": ("tanh",)}, "not Affine, ReLU, Affine"),
    "momentum": ({}, {"update": "momentum"}, "momentum"),
    "weight decay": ({}, {"weight_decay": 0.1}, "weight decay"),
    "ragged features": ({"sizes": (30, 5, 3)}, {}, "30 input features are no multiple of 16"),
    "classes": ({"sizes": (32, 5, 13)}, {}, "classes: 13"),
    "hidden units": ({"sizes": (32, 101, 3)}, {}, "hidden units: 101"),
    "batch": ({}, {"batch_size": 129}, "batch size: 129"),
}


@pytest.mark.parametrize("name", OBSTACLES)
def test_what_it_cannot_train_it_says(name):
    changed, more, words = OBSTACLES[name]
    arrays, options = call(**changed)
    assert words in obstacle(*arrays, **(options | more))


def test_there_is_none_otherwise():
    arrays, options = call()
    assert obstacle(*arrays, **options) is None


@pytest.mark.parametrize(("which", "dtype"), [(0, "int32"), (0, "float64"), (3, "float64")])
def test_other_dtypes_it_cannot_train(which, dtype):
    arrays, options = call()
    arrays[which] = arrays[which].astype(dtype)
    assert dtype in obstacle(*arrays, **options)


def test_a_card_too_small_for_all_blocks_at_once():
    assert "do not fit 118 multiprocessors" in plan_for(784, 100, 10, 100, 118)


@pytest.mark.parametrize(
    ("hidden", "classes", "batch", "words"),
    [(91, 10, 120, "no registers for batches of 120"), (90, 12, 128, None), (100, 10, 112, None)],
)
def test_the_corners_of_what_a_thread_can_hold(hidden, classes, batch, words):
    plan = plan_for(784, hidden, classes, batch, H200)
    assert words in plan if words else not isinstance(plan, str)


def test_a_call_that_it_cannot_compute_is_refused(library):
    xp = library("numba-cuda")
    arrays, options = call(sizes=(30, 5, 3))
    with pytest.raises(ValueError, match="30 input features are no multiple of 16"):
        train_persistently(*map(xp.asarray, arrays), **options)
