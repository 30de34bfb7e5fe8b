"""A command given on a shell to the agent that runs: written as a command file, its answer shown as it grows."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from engine import files, naming
from engine.command import DONE, FAILED, PROGRESS
from engine.console.screen import Screen

LOOK_S = 0.1
ASK_S = 2.0
WAITING_S = 3.0
"""So long the agent may take to begin: then something else is told to be under way."""
_WIDTH = 120


class CommandConsole:
    """What the answer says: lines that stay, and on a terminal one line of progress that renews itself."""

    def __init__(self, stream: TextIO = sys.stdout) -> None:
        self.failure: str | None = None
        """None before the end; then why it failed, empty when it did not."""
        self._screen = Screen(stream)

    def take(self, text: str) -> None:
        """A line of the answer, or several; the last one ends it."""
        if text == DONE:
            self.end("")
        elif text.startswith(FAILED):
            self.end(text.removeprefix(FAILED))
        else:
            for each in text.split("\n"):
                self._show(each)

    def end(self, failure: str) -> None:
        """The last line of an answer."""
        self.failure = failure
        self._screen.end()

    def _show(self, text: str) -> None:
        if self._screen.is_terminal and text.startswith(PROGRESS):
            self._screen.renew(text[:_WIDTH])
        else:
            self._screen.tell(text)


def put_command(root: Path, line: str) -> str:
    """Write a command file with this line; its name. Raises OSError.

    It belongs to whom the folder belongs to: a command of root is one that the agent can read.
    """
    folder = root / naming.COMMANDS
    files.make_folder(folder)
    word = line.partition(" ")[0]
    for number in range(1000):
        name = f"{word}-{os.getpid()}-{number}.txt"
        if not (folder / name).with_suffix(".out").exists() and _write_new(folder / name, f"{line}\n".encode()):
            return name
    raise FileExistsError(f"{folder}/{name}")


def follow(root: Path, name: str, console: CommandConsole, agent_runs: Callable[[], bool]) -> None:
    """Show the answer until its end. `agent_runs` tells whether there is still somebody to give one."""
    path = root / naming.COMMANDS / name
    out, shown, waiting = path.with_suffix(".out"), 0, False
    begun_s = asked_s = time.monotonic()
    while console.failure is None:
        now_s = time.monotonic()
        runs = now_s - asked_s < ASK_S or agent_runs()
        asked_s = asked_s if now_s - asked_s < ASK_S else now_s
        data = _from(out, shown)
        shown += len(data)
        for text in data.decode("utf-8", "replace").split("\n")[:-1]:
            console.take(text)
        if console.failure is None and not runs and not _from(out, shown):
            files.remove(path)
            console.end("агент остановился")
        if not shown and not waiting and now_s - begun_s > WAITING_S:
            waiting = True
            console.take("# ждёт: агент занят другой командой")
        time.sleep(LOOK_S if console.failure is None else 0.0)
    with suppress(OSError):  # whoever may not remove it has still read it
        files.remove(out)


def _from(path: Path, offset: int) -> bytes:
    """Whole lines from a place on."""
    with suppress(FileNotFoundError), open(path, "rb", opener=files.open_regular) as file:
        file.seek(offset)
        data = file.read()
        return data[: data.rfind(b"\n") + 1]
    return b""


def _write_new(path: Path, data: bytes) -> bool:
    temporary, file = files.open_temporary(path)
    try:
        with file:
            file.write(data)
            files.finish(file, synced=False)
            owner = path.parent.stat()
            if owner.st_uid != os.geteuid():
                os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
        os.link(temporary, path)
    except FileExistsError:
        return False
    finally:
        temporary.unlink(missing_ok=True)
    return True
