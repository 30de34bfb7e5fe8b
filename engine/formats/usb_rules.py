"""`log/USB.rules`: which USB adapter has which of the six names `ttyUSB1000` … `ttyUSB1005`.

Both forms that the manual shows are read (sections 7.3 and 13), the second one is written: four plain lines before
each rule, and `ID_MODEL` instead of `ID_VENDOR`. It is a map for people; the rules of the host are the host's affair.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

NAMES = tuple(f"ttyUSB{number}" for number in range(1000, 1006))
FREE = "0"
UNKNOWN_MOMENT = "DATE: 01/01/00\nTIME: 00:00:00\n"
"""As in the factory's file."""

_SUBSYSTEM = 'SUBSYSTEMS=="tty"'
_PATH = re.compile(r'ENV\{ID_PATH\}=="([^"]*)"')
_NAME = re.compile(r'SYMLINK\+="([^"]*)"')
_UNPRINTABLE = re.compile(r'[^\x20-\x7e]|"')
_LONGEST = 100


@dataclass(frozen=True, slots=True)
class Adapter:
    """A serial port on USB: where it is plugged in, its model and its maker's number as udev tells them.

    `product` is the name that the adapter itself gives. What is not known is empty.
    """

    id_path: str
    model: str
    vendor_id: str
    product: str


Slots = tuple[Adapter | None, ...]
"""One for each of `NAMES`."""


def rules_text(slots: Slots, moment: datetime | None) -> str:
    """The whole file; `moment` is local time, None while the clock is not set."""
    ports = "".join(_port(name, adapter) for name, adapter in zip(NAMES, slots, strict=True))
    return ports + (f"DATE: {moment:%m/%d/%y}\nTIME: {moment:%H:%M:%S}\n" if moment else UNKNOWN_MOMENT)


def place(adapters: Iterable[Adapter], before: str) -> Slots:
    """Who has which name: an adapter keeps the one that it has in the file `before`, others take the first free one.

    Those for whom no name is left are left out.
    """
    kept = {path: name for name, path in named_paths(before).items()}
    slots: dict[str, Adapter] = {}
    newcomers = []
    for adapter in adapters:
        name = kept.get(_shown(adapter.id_path))
        if name is None or name in slots:
            newcomers.append(adapter)
        else:
            slots[name] = adapter
    free = [name for name in NAMES if name not in slots]
    slots.update(zip(free, newcomers, strict=False))
    return tuple(slots.get(name) for name in NAMES)


def named_paths(text: str) -> dict[str, str]:
    """The place of the adapter behind each name, as a file of either form tells it; free names are left out."""
    found = {}
    for line in text.splitlines():
        name, path = _NAME.search(line), _PATH.search(line)
        if name and path and name[1] in NAMES and path[1] not in ("", FREE):
            found[name[1]] = path[1]
    return found


def same_map(one: str, other: str) -> bool:
    """Whether two files tell the same, date and time aside."""
    return _map_lines(one) == _map_lines(other)


def _map_lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if not line.startswith(("DATE:", "TIME:"))]


def _port(name: str, adapter: Adapter | None) -> str:
    adapter = adapter or Adapter("", "", "", "")
    plain = f"{_shown(adapter.product)}\n" * 3
    parts = (
        _SUBSYSTEM,
        f'ENV{{ID_PATH}}=="{_shown(adapter.id_path)}"',
        f'ENV{{ID_MODEL}}=="{_shown(adapter.model)}"',
        f'ENV{{ID_VENDOR_ID}}=="{_shown(adapter.vendor_id)}"',
        f'SYMLINK+="{name}"',
    )
    return f"{name}\n{plain}{', '.join(parts)}\n"


def _shown(text: str) -> str:
    """What an adapter tells of itself may be anything."""
    return _UNPRINTABLE.sub("_", text.strip())[:_LONGEST] or FREE
