"""Pictures and arrays of pictures, brought into the form that a net was trained on."""

from xpnet.cli.pictures.prepare import Prepared, prepare
from xpnet.cli.pictures.show import as_blocks

__all__ = ["Prepared", "as_blocks", "prepare"]
