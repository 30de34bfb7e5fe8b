"""Serial ports of the host: which there are, which have no hardware behind them, what sits on USB.

`list_ports` of pyserial does not show the UARTs of a SoC, so `/dev` is searched by name too. What udev knows is read
from its database where there is one, in the form of `udevadm info`; otherwise it is worked out of `/sys` in the same
way (systemd: udev-builtin-path_id, udev-builtin-usb_id). Nothing here opens a port.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from serial.tools import list_ports

DEV = "/dev/"
PATTERNS = ("ttyS*", "ttyUSB*", "ttyACM*", "ttyAMA*", "ttymxc*", "ttyO*", "ttyHS*", "ttyLP*", "ttyPS*", "rfcomm*")
PORTS_MOST = 64
NO_HARDWARE = "микросхемы порта нет"
CONSOLE = "системная консоль"

_TEXT_LIMIT = 65536
_PCI = re.compile(r"[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-9a-f]")
_USB_ROOT = re.compile(r"usb[0-9]+")
_USB_INTERFACE = re.compile(r"[0-9]+-([0-9.]+:[0-9]+\.[0-9]+)")
_PROPERTY = re.compile(r"E: ?([A-Z0-9_]+)=(.*)")


@dataclass(frozen=True, slots=True)
class Usb:
    """Where an adapter is plugged in and what it is; `device` is the whole adapter, which may have several ports."""

    id_path: str
    model: str
    vendor_id: str
    product: str
    serial: str
    device: str

    @property
    def name(self) -> tuple[str, str, str]:
        """What `/dev/serial/by-id` is made of: cheap adapters without a serial number all have the same."""
        return self.vendor_id, self.model, self.serial


@dataclass(frozen=True, slots=True)
class Port:
    """`path` is the port itself, `stable` the path to write down: by the adapter's own name or place if it has one."""

    path: str
    stable: str
    usb: Usb | None = None


@dataclass(frozen=True, slots=True)
class Places:
    """Where the system keeps its things; a test gives a tree of its own."""

    dev: Path = Path("/dev")
    sys: Path = Path("/sys")
    udev: Path = Path("/run/udev/data")

    def resolve(self, path: str) -> str:
        """The port that a path below /dev leads to, as /dev path; one that leads nowhere, or elsewhere, stays."""
        home = os.path.realpath(self.dev)
        real = os.path.realpath(self.dev / path.removeprefix(DEV))
        return DEV + os.path.relpath(real, home) if real.startswith(f"{home}/") else path


def comports() -> list[str]:
    """What pyserial knows of."""
    return [port.device for port in list_ports.comports()]


def find_ports(
    places: Places, listed: Callable[[], Iterable[str]] = comports
) -> tuple[tuple[Port, ...], dict[str, str]]:
    """Ports that may have a device behind them, and by path why others are left out. In the order of their names."""
    names = {places.resolve(path) for path in (*listed(), *_by_name(places))}
    consoles = {f"{DEV}{name}" for name in _read(places.sys / "class/tty/console/active").split()}
    usable: list[str] = []
    left_out: dict[str, str] = {}
    for path in sorted(names, key=_in_order):
        if path in consoles:
            left_out[path] = CONSOLE
        elif _read(_class(places, path) / "type") == "0":
            left_out[path] = NO_HARDWARE
        elif len(usable) == PORTS_MOST:
            left_out[path] = f"портов больше {PORTS_MOST}"
        else:
            usable.append(path)
    return describe(places, usable), left_out


def describe(places: Places, paths: Iterable[str]) -> tuple[Port, ...]:
    """What is known of these ports."""
    found = {path: usb_of(places, path) for path in paths}
    adapters = {usb.device: usb for usb in found.values() if usb}
    alike = Counter(usb.name for usb in adapters.values())
    ports = []
    for path, usb in found.items():
        has_own_name = usb is not None and alike[usb.name] == 1
        folders = ("serial/by-id", "serial/by-path") if has_own_name else ("serial/by-path",)
        ports.append(Port(path, _link_to(places, path, folders) or path, usb))
    return tuple(ports)


def usb_of(places: Places, path: str) -> Usb | None:
    """What udev or `/sys` tells of the adapter of a port; None for a port that is not on USB."""
    device = Path(os.path.realpath(_class(places, path) / "device"))
    whole = next((folder for folder in (device, *device.parents) if (folder / "idVendor").exists()), None)
    if whole is None:
        return None
    properties = _udev_database(places, path)
    product = _read(whole / "product")
    return Usb(
        id_path=properties.get("ID_PATH") or path_id(device),
        model=properties.get("ID_MODEL") or _as_udev_writes(product),
        vendor_id=properties.get("ID_VENDOR_ID") or _read(whole / "idVendor"),
        product=product or properties.get("ID_MODEL", ""),
        serial=properties.get("ID_SERIAL_SHORT") or _read(whole / "serial"),
        device=str(whole),
    )


def udev_properties(text: str) -> dict[str, str]:
    """The properties in the output of `udevadm info`, or in a file of udev's database."""
    return {found[1]: found[2] for line in text.splitlines() if (found := _PROPERTY.fullmatch(line.rstrip()))}


def path_id(device: Path) -> str:
    """`ID_PATH` of a device on USB by its place in `/sys/devices`; empty when it does not show there."""
    parts = device.parts
    root = next((index for index, part in enumerate(parts) if _USB_ROOT.fullmatch(part)), 0)
    interface = next((found for part in reversed(parts) if (found := _USB_INTERFACE.fullmatch(part))), None)
    if not root or interface is None:
        return ""
    controller = parts[root - 1]
    bus = "pci" if _PCI.fullmatch(controller) else "platform"
    return f"{bus}-{controller}-usb-0:{interface[1]}"


def _udev_database(places: Places, path: str) -> dict[str, str]:
    number = _read(_class(places, path) / "dev")
    return udev_properties(_read(places.udev / f"c{number}")) if number else {}


def _as_udev_writes(text: str) -> str:
    return re.sub(r"[^0-9A-Za-z#+\-.:=@_$%?,]", "_", re.sub(r"\s+", "_", text.strip()))


def _by_name(places: Places) -> list[str]:
    found = [path for pattern in PATTERNS for path in places.dev.glob(pattern)]
    found += (places.dev / "serial/by-id").glob("*")
    return [DEV + path.relative_to(places.dev).as_posix() for path in found]


def _link_to(places: Places, path: str, folders: Iterable[str]) -> str:
    for folder in folders:
        for link in sorted((places.dev / folder).glob("*")):
            name = DEV + link.relative_to(places.dev).as_posix()
            if places.resolve(name) == path:
                return name
    return ""


def _class(places: Places, path: str) -> Path:
    return places.sys / "class/tty" / path.removeprefix(DEV)


def _read(path: Path) -> str:
    """A small text of the system; empty when there is none."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(_TEXT_LIMIT).strip()
    except OSError:
        return ""


def _in_order(path: str) -> list[tuple[int, str]]:
    """ttyS2 before ttyS10."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"([0-9]+)", path)]
