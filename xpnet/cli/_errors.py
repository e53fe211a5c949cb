"""What a user did wrong is one line on stderr and an exit code; a defect of ours stays a traceback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from xpnet import BackendUnavailableError, CheckpointError, DivergedError, EngineError
from xpnet.datasets import DatasetError

INTERRUPTED = 130
"""The exit code after Ctrl-C: 128 + SIGINT, as shells have it."""

_KNOWN = (BackendUnavailableError, CheckpointError, DatasetError, DivergedError, MemoryError, OSError)


class Failure(click.ClickException):
    """An error in one line; exit code 1."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(line.strip() for line in message.splitlines()))


class WrongValue(Failure):
    """Something the user typed is wrong; exit code 2."""

    exit_code = 2


class OneLineErrors(click.Group):
    """A group of commands whose known errors end in `Error: ...` and exit code 1, or 2 for a wrong value."""

    def make_context(self, *arguments: Any, **options: Any) -> click.Context:
        """Parse the group's own options."""
        with _one_line():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: click.Context) -> Any:
        """Parse and run the command."""
        with _one_line():
            return super().invoke(ctx)


@contextmanager
def _one_line() -> Iterator[None]:
    try:
        yield
    except click.exceptions.NoArgsIsHelpError:
        raise
    except click.UsageError as error:
        raise WrongValue(_usage(error)) from None
    except BrokenPipeError:
        raise  # `xpnet ... | head`: click ends without a word
    except EngineError as error:
        raise WrongValue(str(error)) from None
    except _KNOWN as error:
        raise Failure(_sentence(error)) from error
    except KeyboardInterrupt:
        click.echo("Interrupted.", err=True)
        raise click.exceptions.Exit(INTERRUPTED) from None


def _usage(error: click.UsageError) -> str:
    message = error.format_message()
    if error.ctx is None:
        return message
    end = "" if message.endswith((".", "?")) else "."
    return f"{message}{end} See: {error.ctx.command_path} --help"


def _sentence(error: BaseException) -> str:
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return str(error) or type(error).__name__


@contextmanager
def user_values() -> Iterator[None]:
    """Take a ValueError within the block for a user's wrong value.

    Only for calls that check what the user typed: elsewhere a ValueError is a defect.
    """
    try:
        yield
    except _KNOWN:
        raise
    except ValueError as error:
        raise WrongValue(str(error)) from None
