"""Meters that are not there: memory images that answer, for trying out, training and integrators.

Pure: bytes in, bytes out; time is an argument. They share no code with the drivers, else a wrong
offset would be right on both sides. Like the drivers they have no list to edit.
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

Piece = tuple[float, bytes]
"""A pause in seconds and what is sent after it."""


class Speaker(Protocol):
    """Whatever can be put at the end of a line: a meter, a bus of meters, either with faults."""

    def pieces(self, data: bytes) -> Sequence[Piece]:
        """Hears what is on the line; the answer, empty when there is none."""

    def elapse(self, seconds: float) -> None:
        """Its own time goes on by so many seconds."""

    def pause(self) -> None:
        """The line was silent for so long that a half heard request is forgotten."""


@dataclass(frozen=True, slots=True)
class Family:
    """Emulated meters of one protocol: `models` are the words of the command line.

    `build` raises ValueError, in Russian, when the options do not fit one another.
    """

    name: str
    models: tuple[str, ...]
    add_options: Callable[[argparse.ArgumentParser], None]
    build: Callable[[str, argparse.Namespace, datetime], Speaker]


def load() -> tuple[Family, ...]:
    """Every family of this folder: each module that declares `FAMILY = Family(...)`."""
    modules = (importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__))
    return tuple(module.FAMILY for module in modules if hasattr(module, "FAMILY"))
