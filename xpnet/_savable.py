"""Whether a file would hold all that makes a net again."""

from __future__ import annotations

import inspect
import json
from typing import TYPE_CHECKING

from xpnet.layers import Layer

if TYPE_CHECKING:
    from xpnet.nets import Sequential


class CheckpointError(ValueError):
    """A file is no saved net, or is damaged."""


def check_savable(net: Sequential) -> None:
    """Raise CheckpointError unless `load` could make the net and each of its layers again."""
    for name, layer in [*net.layers.items(), ("loss", net.lastLayer)]:
        _check_constructor(name, layer)
    _check_config(net)


def _check_config(net: Sequential) -> None:
    """Raise CheckpointError unless `Sequential`, which `load` calls, takes what `config` returns."""
    from xpnet import nets

    kind, known = type(net).__name__, inspect.signature(nets.Sequential).parameters
    for name in net.config():
        if name not in known:
            raise CheckpointError(
                f"the net ({kind}) cannot be saved: load would call Sequential({name}=...), which takes no "
                f"such argument; leave {name!r} out of {kind}.config, and save it apart"
            )


def _check_constructor(name: str, layer: Layer) -> None:
    """Raise CheckpointError unless a layer's parameters and `config_names` are all that makes it again."""
    kind = type(layer).__name__
    who = f"layer {name!r} ({kind})"
    taken = inspect.signature(type(layer)).parameters.values()
    named = [one.name for one in taken if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)]
    kept = [*layer.parameters, *layer.config_names]
    for argument in named:
        if argument not in kept:
            raise CheckpointError(
                f"{who} cannot be saved: the file would not hold the argument {argument!r} of "
                f"{kind}.__init__; keep it as self.{argument} and write in the class: "
                f"config_names = {(*layer.config_names, argument)!r}"
            )
    for argument in kept:
        if argument not in named and all(one.kind != one.VAR_KEYWORD for one in taken):
            raise CheckpointError(
                f"{who} cannot be saved: load would call {kind}({argument}=...), which {kind}.__init__ does "
                f"not take; give it the argument {argument!r}"
            )
    try:
        json.dumps(layer.config())
    except (AttributeError, TypeError) as error:
        raise CheckpointError(
            f"{who} cannot be saved: {error}; config_names = {layer.config_names!r} must name attributes "
            "that are numbers, text, lists or None"
        ) from None
