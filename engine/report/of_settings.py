"""What reports take from a device file. Pure."""

from __future__ import annotations

from engine.report.plan import Device
from engine.settings import DeviceSettings


def report_device(settings: DeviceSettings, dev_number: str) -> Device:
    """`dev_number` is the one that names its files."""
    return Device(
        dev_number,
        settings.address,
        settings.responsible,
        settings.report_day,
        settings.report_fields,
        settings.report_records,
    )
