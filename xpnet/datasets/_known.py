"""Hashes of the data sets whose files go by MNIST's names."""

from __future__ import annotations

import hashlib

from xpnet.datasets._idx import Bytes

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"

MNIST_SHA256 = {
    IMAGES: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    LABELS: "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    TEST_IMAGES: "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    TEST_LABELS: "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
"""Of the decompressed files, header included."""

# Zalando publishes the hashes of the .gz files alone. Those of the decompressed labels were computed from the
# .gz in github.com/zalandoresearch/fashion-mnist, whose own hashes are the published ones (a04f1713... and
# 67da17c7...). Those of the images are in github.com/SomeB1oody/dataset-core (fashion_mnist.rs) and in
# github.com/EntroMorphic/sstt (Makefile), which check downloads by them; that of the test images is also the
# Git LFS id in github.com/Caryox/adversarial-robustness. All sources agree on all files that they name.
FASHION_MNIST_SHA256 = {
    IMAGES: "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    LABELS: "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    TEST_IMAGES: "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    TEST_LABELS: "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}
"""Of the decompressed files, header included."""

# The keys of git-annex in github.com/datasets-mila/datasets--kmnist. They name a file and prove none.
KMNIST_MD5 = {
    IMAGES: "92be26ec9822e900ac425d0a0aa84ced",
    LABELS: "949e75301f8813e0dc5800dcc320fc52",
    TEST_IMAGES: "bf305b8cd328700fbc17f5acbc2856d2",
    TEST_LABELS: "9f55f451c0988b028eccdf7d5cc265ab",
}
"""Of the decompressed files, header included."""

_OWNERS = {
    digest: f"{title}'s {name}"
    for title, digests in (
        ("MNIST", MNIST_SHA256),
        ("Fashion-MNIST", FASHION_MNIST_SHA256),
        ("KMNIST", KMNIST_MD5),
    )
    for name, digest in digests.items()
}


def known_as(data: Bytes) -> str | None:
    """Return what a decompressed file is, such as ``KMNIST's train-images-idx3-ubyte``; None if unknown."""
    for algorithm in ("sha256", "md5"):
        digest = hashlib.new(algorithm, data.data, usedforsecurity=False).hexdigest()
        if digest in _OWNERS:
            return _OWNERS[digest]
    return None
