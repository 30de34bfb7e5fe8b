"""Every part of the agent, in the order of their sections in `status.txt`."""

from __future__ import annotations

from engine.runtime.alerts import Alerts
from engine.runtime.commands import Commands
from engine.runtime.deliveries import Deliveries
from engine.runtime.file_server import FileServer
from engine.runtime.flash import Flash
from engine.runtime.housekeeping import Housekeeping
from engine.runtime.lcd import Display
from engine.runtime.lora import Lora
from engine.runtime.metrics import Metrics
from engine.runtime.own_snapshot import OwnSnapshot
from engine.runtime.part import House, Part
from engine.runtime.regulators import Regulators
from engine.runtime.reports import Reports
from engine.runtime.sms import Sms
from engine.runtime.timekeeping import Timekeeping
from engine.runtime.transparent import Transparent
from engine.runtime.update import Update
from engine.runtime.vpn import Vpn
from engine.runtime.watchdog import Watchdog
from engine.runtime.web import Web


def make_parts(house: House, deliveries: Deliveries, commands: Commands) -> tuple[Part, ...]:
    """All parts of one agent. `deliveries` and `commands` are made first: what is done by hand waits for them."""
    alerts, timekeeping = Alerts(house), Timekeeping(house)
    commands.set_time = timekeeping.set_by_command
    parts: tuple[Part, ...] = (
        Watchdog(house, lambda: (*house.lines.workers(), *deliveries.workers())),
        Metrics(house, deliveries.by_section),
        Update(house),
        timekeeping,
        deliveries,
        FileServer(house),
        Web(house),
        Transparent(house),
        Display(house),
        Reports(house),
        alerts,
        Sms(house, alerts.postman),
        Flash(house),
        Vpn(house),
        Lora(house),
        Regulators(house),
        commands,
        Housekeeping(house, deliveries.has_everywhere),
    )
    return (*parts, OwnSnapshot(house, parts))
