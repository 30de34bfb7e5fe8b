"""Events that the agent makes, on their way to the archives of their devices (formats guide, section 6)."""

from __future__ import annotations

from engine import naming
from engine.alert.memory import Memory
from engine.formats.archive import Head
from engine.keeper.shelf import Shelf
from engine.runtime.devices import Devices

AGENT_TYPE = "ТСМ-смарт"
"""`DevType` of the archive in which the agent tells of its own matters."""


def keep_events(memory: Memory, devices: Devices, name: str) -> None:
    """Store what `memory` has, the oldest first. Raises `OSError`: what is left is stored by the next call.

    An event that is stored already is not stored again, so it may come once more after a restart. `name` is the
    agent's.
    """
    touched: dict[str, Shelf] = {}
    for unkept in memory.events:
        shelf = touched.get(unkept.archive) or devices.shelf_of(unkept.archive)
        touched[unkept.archive] = shelf
        shelf.keep(unkept.event, _head(memory, unkept.archive, name), devices.event_date())
    for shelf in touched.values():
        shelf.sync()
    memory.events.clear()


def _head(memory: Memory, number: str, name: str) -> Head:
    """`[0]` of a file that begins now."""
    if number == naming.AGENT_NUMBER:
        return Head(name, AGENT_TYPE, number, 0)
    titled = memory.titles.get(number)
    return Head(titled.dev_type, titled.dev_type, number, titled.systems) if titled else Head("", "", number, 0)
