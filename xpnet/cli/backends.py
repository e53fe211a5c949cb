"""`xpnet backends`: what can be used here, and what mends the rest."""

from __future__ import annotations

import os

import click

import xpnet
from xpnet._backends import describe_auto, find
from xpnet.cli._errors import user_values
from xpnet.cli._options import examples
from xpnet.cli._table import table

_EXAMPLES = examples(
    """
    xpnet backends
    XPNET_BACKEND=gpu xpnet backends        ends with an error where there is no GPU
    """
)


@click.command(epilog=_EXAMPLES, short_help="What can compute here.")
def backends() -> None:
    """List the backends: which are usable here, and the line that mends the others."""
    rows = [("backend", "usable", "device, or what is missing")]
    for status in xpnet.backends():
        words = ", ".join(part for part in (status.device, status.reason) if part)
        rows.append((status.name, "yes" if status.usable else "no", words))
        if status.remedy:
            rows.append(("", "", f"to mend it: {status.remedy}"))
    click.echo(table(rows))
    click.echo()
    if "XPNET_BACKEND" not in os.environ:
        with user_values():
            taken = find("auto")
        click.echo(f"XPNET_BACKEND is not set; {describe_auto(taken)}.")
        return
    with user_values():
        chosen = xpnet.current_backend()
    click.echo(f"XPNET_BACKEND={os.environ['XPNET_BACKEND']} takes {chosen.name} on {chosen.device()}.")
