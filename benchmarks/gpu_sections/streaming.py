"""`fit` on data that stay on the host, beside the same data on the device."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from gpu_sections import WIDE, epochs
from gpu_sections.bench import Bench, say
from xpnet.bench.tier import to_pixels

ENGINES = ("persistent", "graph")


def run(bench: Bench, nets: Sequence[str]) -> None:
    """Time `fit`'s epochs on these nets by every engine that applies, with float32 and with uint8."""
    forms = {"float32": bench.data.x, "uint8": to_pixels(bench.data.x)}
    for net, engine, form, stream in itertools.product(nets, ENGINES, forms, (False, True)):
        if (net, engine) == (WIDE, "persistent"):
            continue
        label = f"xpnet {engine}, {form}, {'streamed' if stream else 'on the device'}"
        with bench.attempt("fit", label=label, net=net):
            if engine == "persistent" and (why := bench.waits_for_ever) is not None:
                raise RuntimeError(why)
            case = bench.case(net)
            say(f"{case}: fit, {label}")
            taken = epochs.fitted(bench, case, "numba-cuda", engine, x=forms[form], stream=stream)
            bench.record("fit", label=label, net=net, **taken)
