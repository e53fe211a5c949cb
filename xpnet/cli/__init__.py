"""The command line: `xpnet train`, `evaluate`, `predict`, `backends`, `datasets`; one file a command."""

from xpnet.cli._app import main

__all__ = ["main"]
