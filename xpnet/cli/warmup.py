"""`xpnet warmup`: compiles the CPU kernels ahead, so that the first training starts at once."""

from __future__ import annotations

import click

from xpnet._warmup import Warmed, warm_up
from xpnet.cli._errors import Failure
from xpnet.cli._options import examples
from xpnet_kernels import _jit

_EXAMPLES = examples(
    """
    xpnet warmup
    NUMBA_CACHE_DIR=/var/cache/xpnet xpnet warmup   keep the machine code there; set it for training too
    """
)


@click.command(epilog=_EXAMPLES, short_help="Compile the CPU kernels ahead.")
def warmup() -> None:
    """Compile what training on the CPU needs, in float32 and float64, and keep the machine code.

    It is for this processor, this version of xpnet and of numba; what is in place is not compiled again.
    Kernels for a GPU are compiled when they first run: their machine code is not kept.
    """
    parts: list[Warmed] = []
    for part in warm_up():
        click.echo(f"{part.what:<40} {_done(part):<32} {part.seconds:6.1f} s")
        parts.append(part)
        if part.compiled and not _jit.folders():
            raise Failure(
                "no folder for machine code can be written, so it is lost when this command ends; "
                "set NUMBA_CACHE_DIR to one, here and for training"
            )
    click.echo(_summary(sum(part.compiled for part in parts), sum(part.seconds for part in parts)))
    for folder in _jit.folders():
        click.echo(f"  {folder}")


def _done(part: Warmed) -> str:
    return f"{part.compiled} compiled, {part.loaded} in place"


def _summary(compiled: int, seconds: float) -> str:
    if compiled:
        return f"{compiled} kernels compiled in {seconds:.1f} s; the machine code is kept in"
    return f"Nothing to compile: all machine code was in place ({seconds:.1f} s), in"
