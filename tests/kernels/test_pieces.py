"""How many samples of a batch go through a compiled net at once."""

import pytest

from xpnet_kernels.mlp_epoch import cpu


@pytest.mark.parametrize(
    ("sizes", "batch_size", "expected"),
    [
        ([784, 50, 10], 100, 100),  # 167 would fit
        ([784, 50, 10], 1000, 167),
        ([784, 50, 10], 10_000, 167),
        ([784, 50, 10], 170, 85),
        ([100_000, 1, 2], 1000, 63),
        ([784, 1024, 10], 512, 512),
        ([784, 1024, 10], 1200, 400),
    ],
)
def test_the_samples_that_go_through_at_once(sizes, batch_size, expected):
    assert cpu.piece_rows(sizes, batch_size, "float32") == expected
