"""What `benchmarks/gpu.py` runs: sections, each in a process of its own with its own time limit.

A section is a function that takes a `Bench` and records what it measures, raw; see `bench`. They are listed
here, the most valuable first: the run may end before the last ones.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Section:
    """One process of the run.

    Attributes
    ----------
    name : str
        By which the results and `--sections` know it.
    function : str
        `"module:function"`.
    limit : float
        Seconds after which it is ended.
    options : dict
        The function's arguments beside the `Bench`.
    """

    name: str
    function: str
    limit: float
    options: dict[str, Any] = field(default_factory=dict)


def _section(name: str, module: str, limit: float, **options: Any) -> Section:
    return Section(name, f"gpu_sections.{module}", limit, options)


FIRST_STEP = "first step"
"""Of the persistent kernel, whose blocks wait for each other: until it has passed, nothing longer runs it."""

SMALL, WIDE = "50@100", "1024,1024@4096"
OTHERS = ("100@100", "256,128@128", "1024,1024@256")

SECTIONS = (
    _section("environment", "environment:run", 60),
    _section(FIRST_STEP, "correctness:first_step", 60),
    _section("correctness", "correctness:run", 120),
    _section("epochs, small", "epochs:run", 90, nets=[SMALL], fit=True),
    _section("peers, small", "peers:run", 130, net=SMALL, cpu=True, compiled=True),
    _section("gemms", "gemms:run", 45),
    _section("epochs, wide", "epochs:run", 45, nets=[WIDE]),
    _section("epochs, wide, TF32", "epochs:run", 45, nets=[WIDE], tf32=True),
    _section("tests", "suite:run", 120),
    _section("peers, wide", "peers:run", 70, net=WIDE),
    _section("barrier", "barrier:run", 40),
    _section("graph nodes", "graph_nodes:run", 45),
    _section("launches", "launches:run", 30),
    _section("transfers", "transfers:run", 30),
    _section("streaming", "streaming:run", 45, nets=[SMALL, WIDE]),
    _section("epochs, others", "epochs:run", 60, nets=list(OTHERS)),
    _section("epochs, 1024,1024@256, TF32", "epochs:run", 30, nets=["1024,1024@256"], tf32=True),
    *(_section(f"peers, {net}", "peers:run", 90, net=net) for net in OTHERS),
    _section("peers, wide, TF32", "peers:run", 90, net=WIDE, tf32=True),
)
