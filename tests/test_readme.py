"""The README's layer of one's own runs as it stands there."""

from pathlib import Path

import numpy as np

import xpnet

README = Path(__file__).parent.parent / "README.md"


def snippet(heading):
    """The first Python block below a heading."""
    return (
        README.read_text().partition(f"\n## {heading}\n")[2].partition("```python\n")[2].partition("```")[0]
    )


def test_the_layer_of_ones_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(snippet("Your own layer"), names)
    _, (x, t) = xpnet.datasets.digits()
    net = names["net"]
    assert net.layers["Scale1"].times == 2.0
    assert not np.array_equal(net.params["g1"], np.ones(64))
    assert net.accuracy(x, t) > 0.9
