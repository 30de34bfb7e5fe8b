"""`[lora]` of a device file with DevType=LoraModul: a LoRaWAN module, and what it sends (manual 6.1)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from engine.dialect.key import Key
from engine.dialect.kinds import Kind, choice, flag, number, or_empty, whole

SECTION = "lora"
MODULE_BAUD = 115200
"""The module's own (protocols of the maker); the other devices' default is another one."""
REGIONS = ("EU868", "EU433", "CN470", "IN865", "US915", "AU915", "KR920", "AS923")


@dataclass(frozen=True, slots=True)
class LoraSettings:
    """The meaning of each field stands in `KEYS`. Durations in seconds, duty in per cent of the time."""

    days: int = 3
    hours: int = 0
    pause_s: int = 14400
    inner_pause_s: int = 0
    join: str = "otaa"
    dev_eui: str = ""
    app_eui: str = ""
    app_key: str = ""
    dev_addr: str = ""
    nwks_key: str = ""
    apps_key: str = ""
    region: str = "EU868"
    data_rate: int = 0
    adr: bool = True
    confirmed: bool = True
    port: int = 2
    duty_percent: float = 1.0


NO_MODULE = LoraSettings()
"""What stands in the settings of every other device."""


def _hex(digits: int, *, secret: bool = False) -> Kind:
    pattern = re.compile(rf"[0-9A-Fa-f]{{{digits}}}")

    def take(text: str) -> object:
        if pattern.fullmatch(text) is None:
            raise ValueError
        return text.lower()

    return or_empty(Kind(f"{digits} шестнадцатеричных цифр", take, secret), "")


KEYS = (
    Key(SECTION, "Days", "3", whole(0, 400), "days", "сколько последних суточных записей каждого прибора передавать"),
    Key(SECTION, "Hours", "0", whole(0, 1536), "hours", "сколько последних часовых записей каждого прибора передавать"),
    Key(SECTION, "Pause", "14400", whole(1, 2592000, "с"), "pause_s", "пауза между передачами"),
    Key(SECTION, "InnerPause", "0", whole(0, 86400, "с"), "inner_pause_s", "пауза между посылками одной передачи"),
    Key(SECTION, "Join", "otaa", choice("otaa", "abp"), "join", "как модуль входит в сеть"),
    Key(SECTION, "DevEui", "", _hex(16), "dev_eui", "номер модуля в сети; пусто = его собственный"),
    Key(SECTION, "AppEui", "", _hex(16), "app_eui", "для otaa"),
    Key(SECTION, "AppKey", "", _hex(32, secret=True), "app_key", "для otaa, ключ"),
    Key(SECTION, "DevAddr", "", _hex(8), "dev_addr", "для abp"),
    Key(SECTION, "NwkSKey", "", _hex(32, secret=True), "nwks_key", "для abp, ключ сети"),
    Key(SECTION, "AppSKey", "", _hex(32, secret=True), "apps_key", "для abp, ключ данных"),
    Key(SECTION, "Region", "EU868", choice(*REGIONS), "region", "план частот"),
    Key(SECTION, "DataRate", "0", whole(0, 7), "data_rate", "скорость DR: 0 = самая медленная и дальняя"),
    Key(SECTION, "Adr", "1", flag(), "adr", "сеть может выбрать скорость быстрее"),
    Key(SECTION, "Confirmed", "1", flag(), "confirmed", "ждать подтверждения сети; 0 = передано значит доставлено"),
    Key(SECTION, "Port", "2", whole(1, 223), "port", "порт LoRaWAN, которым помечены посылки"),
    Key(SECTION, "Duty", "1", number(0.1, 100, "%"), "duty_percent", "какую долю времени можно быть в эфире"),
)
