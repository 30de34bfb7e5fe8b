"""A command on the command line: handed to the agent that runs, or carried out here where that makes sense."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from engine import files, naming
from engine.command import Archive, Command, CommandFailed, Factory, Push, Read, Rebuild, Trace
from engine.command.words import parse, write
from engine.console.commands import CommandConsole, follow, put_command
from engine.reasons import why
from engine.runtime.root_lock import RootLock, RootTaken, RootUnusable

WITHOUT_AGENT = (Read, Archive, Rebuild, Trace, Push, Factory)
"""What can be done once, and leaves nothing for an agent to keep to."""


def run_command(root: Path, words: Sequence[str], obey: Callable[[str], None], console: CommandConsole) -> None:
    """Carry out a command of the shell; how it ended is in `console`.

    `obey(name)` lets an agent of this process carry out one command file. Raises ValueError when the words cannot be
    understood, CommandFailed when nobody can carry them out.
    """
    command = parse(" ".join(words))
    try:
        _carry_out(root, command, obey, console)
    except RootUnusable as unusable:
        raise CommandFailed(str(unusable)) from unusable
    except OSError as error:
        raise CommandFailed(f"команда не передана агенту: {why(error)}") from error


def _carry_out(root: Path, command: Command, obey: Callable[[str], None], console: CommandConsole) -> None:
    if agent_runs(root):
        follow(root, put_command(root, write(command)), console, lambda: agent_runs(root))
    elif isinstance(command, WITHOUT_AGENT):
        name = put_command(root, write(command))
        obey(name)
        files.remove((root / naming.COMMANDS / name).with_suffix(".out"))
    else:
        raise CommandFailed("агент не запущен: эту команду выполняет только работающий агент")


def agent_runs(root: Path) -> bool:
    """Whether an agent works on this root. Raises OSError when nobody can."""
    lock = RootLock(root)
    try:
        lock.take()
    except RootTaken:
        return True
    lock.release()
    return False
