"""A reading as its snapshot shows it. Pure."""

from __future__ import annotations

from datetime import datetime

from engine.dialogue import Identity
from engine.formats.archive import Head
from engine.formats.snapshot import SnapshotView, clock_values, error_text
from engine.model import Reading, Value, Values
from engine.settings import DeviceSettings

_SUPPLY_WITH_FLOW_METER = "Q = M1(h1 - h2)"
FORMULAS = {
    "Р-Подача": _SUPPLY_WITH_FLOW_METER,
    "Подача + Р": _SUPPLY_WITH_FLOW_METER,
    "Подача + расходомер": _SUPPLY_WITH_FLOW_METER,
    "Обратка": "Q = M(h1 - h2)",
    "ГВС с циркуляцией": "Q = M1(h1 - h3) - M2(h2 - h3)",
}
"""Formula of a system by its type: those that the manual shows (6.1 and 11.4), which no meter tells."""


def shown_type(settings: DeviceSettings, identity: Identity) -> str:
    """What the user calls the device; for `auto` what the device calls itself."""
    return identity.device_type if settings.dev_type == "auto" else settings.dev_type


def archive_head(settings: DeviceSettings, identity: Identity, reading: Reading, dev_number: str) -> Head:
    """`[0]` of archive files that begin now."""
    type_ = shown_type(settings, identity)
    return Head(type_, type_, dev_number, len(reading.systems))


def snapshot_view(
    settings: DeviceSettings, identity: Identity, reading: Reading, dev_number: str, read_at: datetime | None
) -> SnapshotView:
    """Current values of a device that answers; records are added by whoever has them."""
    type_ = shown_type(settings, identity)
    own: dict[str, Value] = {"DevName": type_, "DevType": type_, "DevNumber": dev_number}
    device: dict[str, Value] = {**own, **reading.device, **clock_values(reading.clock)}
    device |= {"Connection": settings.connection, "Port": settings.port, "Baud": settings.baud, "Flats": 0}
    device |= {"NetAddr": settings.net_addr, "NetIP": settings.net_ip, "NetPort": settings.net_port}
    device |= {**own, "NumSystems": len(reading.systems)}
    extra: dict[str, Value] = {"MeterNumber": reading.meter_number, "Online": 1}
    extra |= {**clock_values(read_at, "Read"), "ErrText": error_text(reading.systems)}
    return SnapshotView(device, tuple({**own, **_formula(system), **system} for system in reading.systems), extra=extra)


def _formula(system: Values) -> Values:
    type_ = system.get("Type")
    return {"Formula": FORMULAS[type_]} if isinstance(type_, str) and type_ in FORMULAS else {}
