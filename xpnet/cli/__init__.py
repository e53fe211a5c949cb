"""The command line `xpnet`, one file a command."""

from xpnet.cli._app import main

__all__ = ["main"]
