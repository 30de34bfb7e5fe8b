"""The device file that autoconfiguration proposes for a device that it has met. Pure.

It is switched off: the user looks at it and switches it on, or deletes it (#39, #176).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from engine import naming
from engine.dialect import device_types
from engine.dialogue import Identity

_ODD = re.compile(r"[^0-9A-Za-z.]+")
_LATIN = str.maketrans("ПЭЛДГИ", "PELDGI")


@dataclass(frozen=True, slots=True)
class Found:
    """A device that answered: its line as /dev path, the speed, its address (0: it told none), what it is.

    `protocol` is given where the type alone does not say it. `alone`: it answered the call of everybody, and nobody
    else did. `wait_s` is how long the first byte of its answers may take, where that is more than usual.
    """

    port: str
    baud: int
    address: int
    identity: Identity
    protocol: str = "auto"
    alone: bool = False
    wait_s: float | None = None

    @property
    def number(self) -> str:
        """The serial number that it told; empty when it told none that can name files."""
        number = self.identity.meter_number
        return number if naming.is_dev_number(number) and number.strip("0") else ""

    def __str__(self) -> str:
        number = f" №{self.number}" if self.number else ""
        return f"{self.identity.device_type}{number}, скорость {self.baud}, адрес {self.address}"


@dataclass(frozen=True, slots=True)
class Named:
    """What a device file of the user says, as far as it can be read: `line` is a /dev path, empty for TCP."""

    file: str
    dev_number: str
    line: str
    net_addr: int | None


def named_by(found: Found, named: Iterable[Named]) -> str:
    """The file that names this device already, by its number or by its line and address; empty when none does.

    `Found.port` and `Named.line` are compared as they are. Address 0 of a file is whoever is alone on the line.
    """
    for each in named:
        by_number = bool(found.number) and each.dev_number.lower() == found.number.lower()
        by_address = each.net_addr == found.address or (each.net_addr == 0 and found.alone)
        if by_number or (each.line == found.port and by_address):
            return each.file
    return ""


def file_names(found: Found) -> tuple[str, ...]:
    """Names for its file, the better one first: by its number; by type, port and address."""
    kind = device_types.fold(found.identity.device_type).translate(_LATIN)
    port = found.port.removeprefix("/dev/")
    by_place = "-".join(_ODD.sub("-", part).strip("-.") for part in (kind, port, str(found.address)))
    return ((f"{found.number}.ini",) if found.number else ()) + (f"{by_place}.ini",)


def device_text(found: Found, port: str, moment: datetime | None) -> str:
    """The whole file. `port` is the path that is written, `moment` local time, None while the clock is not set."""
    keys: dict[str, object] = {
        "DevType": device_types.written(found.identity.device_type) or device_types.AUTO,
        "DevNumber": found.number,
        "Connection": "Serial",
        "Port": port,
        "Baud": found.baud,
        "NetAddr": found.address,
    }
    if found.protocol != "auto":
        keys["Protocol"] = found.protocol
    if found.wait_s is not None:
        keys["PacketTimeout"] = round(1000 * found.wait_s)
    keys["Enabled"] = 0
    comments = "".join(f"; {line}\n" for line in _comments(found, moment))
    return f"{comments}[device]\n" + "".join(f"{key}={value}\n" for key, value in keys.items())


def _comments(found: Found, moment: datetime | None) -> list[str]:
    when = f" {moment:%d.%m.%y %H:%M:%S}" if moment else ""
    id_text = found.identity.id_text if found.protocol == "auto" else ""
    told = f", он назвал себя {id_text}" if id_text and id_text.isprintable() else ""
    lines = [
        f"Прибор найден автонастройкой{when} на порту {found.port}{told}.",
        "Пока стоит Enabled=0, он не опрашивается. Проверьте тип, номер, порт, скорость и адрес,",
        "поставьте Enabled=1 и сохраните файл. Если прибор не нужен, удалите файл.",
    ]
    if not found.number:
        lines.append("Своего номера прибор не сообщил: впишите его в DevNumber, с ним все имена файлов.")
    return lines
