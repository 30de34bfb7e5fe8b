"""What keys of a device file say together: each may be right and the file wrong all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.dialect import device_types
from engine.settings import lora, regulator
from engine.settings.keyed import Keyed

if TYPE_CHECKING:
    from engine.settings import DeviceSettings


def check_device(taken: Keyed, device: DeviceSettings) -> None:
    """A device that can be reached and talked to."""
    sound = taken.sound("device", "Connection", "NetIP", "Port")
    if sound and device.connection == "TCP" and not device.net_ip:
        taken.tell("device", "Connection", "для Connection=TCP нужен NetIP")
    if sound and device.connection == "Serial" and not device.port:
        taken.tell("device", "Connection", "для Connection=Serial нужен Port")
    if device.dev_type == device_types.MODBUS and not device.template and taken.sound("device", "Template"):
        taken.tell("device", "DevType", "для DevType=Modbus нужен Template")
    _check_unit(taken, device)
    if device.dev_type == device_types.LORA:
        _check_module(taken, device)
    regulator.check_regulator(taken, device)


def baud_of(taken: Keyed, device: DeviceSettings) -> int:
    """What is given; where nothing is, a LoRaWAN module's own speed is another one."""
    is_module = device.dev_type == device_types.LORA and ("device", "Baud") not in taken.lines
    return lora.MODULE_BAUD if is_module else device.baud


def _check_unit(taken: Keyed, device: DeviceSettings) -> None:
    """Unit 0 is a broadcast on a serial line: nobody answers it."""
    rtu = device.protocol == "rtu" or (device.connection == "Serial" and device.protocol != "tcp")
    sound = taken.sound("device", "NetAddr", "Connection", "Protocol", "DevType")
    if sound and device.dev_type == device_types.MODBUS and rtu and not 1 <= device.net_addr <= 247:
        taken.tell("device", "NetAddr" if device.net_addr else "DevType", "для Modbus RTU нужен NetAddr от 1 до 247")


def _check_module(taken: Keyed, device: DeviceSettings) -> None:
    if device.connection != "Serial":
        taken.tell("device", "Connection", "для DevType=LoraModul нужен Connection=Serial")
    own = device.lora
    keys = {"AppEui": own.app_eui, "AppKey": own.app_key}
    if own.join == "abp":
        keys = {"DevAddr": own.dev_addr, "NwkSKey": own.nwks_key, "AppSKey": own.apps_key}
    missing = [name for name, value in keys.items() if not value and taken.sound(lora.SECTION, name)]
    if missing:
        taken.tell(lora.SECTION, "Join", f"для Join={own.join} нужны {', '.join(missing)} в [{lora.SECTION}]")
