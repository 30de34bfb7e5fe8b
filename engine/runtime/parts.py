"""Every part of the agent, in the order of their sections in `status.txt`."""

from __future__ import annotations

from engine.runtime.deliveries import Deliveries
from engine.runtime.file_server import FileServer
from engine.runtime.housekeeping import Housekeeping
from engine.runtime.part import House, Part
from engine.runtime.reports import Reports
from engine.runtime.web import Web


def make_parts(house: House, deliveries: Deliveries) -> tuple[Part, ...]:
    """All parts of one agent. `deliveries` is made first: a cycle by hand waits for it."""
    return (
        deliveries,
        FileServer(house),
        Web(house),
        Reports(house),
        Housekeeping(house, deliveries.has_everywhere),
    )
