"""The process of one contestant: `python -m xpnet.bench.worker`, driven by `remote` over its pipes."""

from __future__ import annotations

import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

import numpy as np


def main() -> None:
    """Answer commands, one line of JSON each, until the other side closes its end."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever a library writes to stdout must not mix with the answers
    start = json.loads(sys.stdin.readline())
    try:
        play = _Play(start)
    except Exception as error:
        traceback.print_exc()
        play, failure = None, _in_words(error)
    for line in sys.stdin:
        message = json.loads(line)
        if play is None:
            answer: dict[str, Any] = {"error": failure}
        else:
            answer = play.answer(message["command"], message["arguments"])
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


class _Play:
    """The player of this process; the library it plays with is imported here, after the threads are set."""

    def __init__(self, start: dict[str, Any]) -> None:
        from xpnet.bench import threads

        threads.stay_on(start["threads"])
        from xpnet.bench.case import Case
        from xpnet.bench.player import Player
        from xpnet.bench.remote import read_data

        self.folder, self.name = Path(start["folder"]), start["name"]
        case = Case(**{**start["case"], "sizes": tuple(start["case"]["sizes"])})
        self.player = Player(start["spec"], start["options"], case, read_data(self.folder))

    def answer(self, command: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Do what a line asks for; a failure is an answer too."""
        try:
            result = getattr(self.player, command)(**arguments)
        except Exception as error:
            traceback.print_exc()
            return {"error": _in_words(error)}
        if command == "epoch":
            arrays = {f"w{index}": array for index, array in enumerate(result.weights)}
            np.savez(self.folder / f"{self.name}.npz", losses=result.losses, before=result.before, **arrays)
            result = {"seconds": result.seconds, "drain": result.drain, "cpu": result.cpu}
        return {"result": result}


def _in_words(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:500]


if __name__ == "__main__":
    main()
