"""What the files of the user say of devices and lines, as far as it can be read: for autoconfiguration."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from engine import files, naming
from engine.config import GOOD
from engine.dialect import kinds, textfile
from engine.errors import SettingsWrong
from engine.search.proposal import Named
from engine.settings import AgentSettings, DeviceSettings, Parsed, read_file

POLLED = "его опрашивает"
UNREADABLE = "его называет файл с ошибкой"
MODEM = "порт модема"
SYNC_PORT = "порт синхронизации времени"

Resolve = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Known:
    """`named`: what each device file names. `reserved`: lines that are in use, and by whom. Lines are /dev paths.

    `timezone` is the one in which moments are written.
    """

    named: tuple[Named, ...]
    reserved: dict[str, str]
    timezone: str


def read_known(root: Path, resolve: Resolve) -> Known:
    """Look at every device file and at `agent.ini`; nothing is written, and nothing is an error.

    A file that has errors is taken by its last good copy and by every line of it that makes sense.
    """
    named: list[Named] = []
    reserved: dict[str, str] = {}
    for path in _device_files(root):
        for settings in _versions(root, path):
            if isinstance(settings, DeviceSettings):
                named.append(_named(settings, resolve))
                if settings.enabled and settings.port:
                    reserved[resolve(settings.port)] = f"{POLLED} {settings.file}"
        if _current(root, path) is None:
            broken = _named_in_part(root, path, resolve)
            named.append(broken)
            if broken.line:
                reserved.setdefault(broken.line, f"{UNREADABLE} {broken.file}")
    agent = next(_versions(root, naming.AGENT_INI), None) or read_file(naming.AGENT_INI, b"\n")[0]
    assert isinstance(agent, AgentSettings)
    for port, why in ((agent.modem_port, MODEM), (agent.sync_port, SYNC_PORT)):
        if port:
            reserved[resolve(port)] = why
    return Known(tuple(named), reserved, agent.timezone)


def _device_files(root: Path) -> list[str]:
    folder = root / naming.DEVICES
    names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    return [f"{naming.DEVICES}/{name}" for name in names if naming.is_config(f"{naming.DEVICES}/{name}")]


def _versions(root: Path, path: str) -> Iterator[Parsed]:
    """The file as it is; when it cannot be used, the copy that is in force instead."""
    parsed = _current(root, path)
    if parsed is None:
        parsed = _parsed(root / GOOD / path, path)
    if parsed is not None:
        yield parsed


def _current(root: Path, path: str) -> Parsed | None:
    return _parsed(root / path, path)


def _parsed(file: Path, path: str) -> Parsed | None:
    with suppress(OSError, SettingsWrong):
        return read_file(path, _content(file))[0]
    return None


def _content(file: Path) -> bytes:
    """The user may have put a link there."""
    return files.read_limited(file.resolve(), textfile.LIMIT_BYTES)


def _named(settings: DeviceSettings, resolve: Resolve) -> Named:
    line = resolve(settings.port) if settings.connection == "Serial" and settings.port else ""
    return Named(settings.file, settings.dev_number, line, settings.net_addr)


def _named_in_part(root: Path, path: str, resolve: Resolve) -> Named:
    text = ""
    with suppress(OSError):
        text = textfile.decode(_content(root / path))
    values = {line.key.lower(): line.value for line in textfile.parse_ini(path, text)[0]}
    port = _taken(kinds.tty_port(), values.get("port", ""))
    address = _taken(kinds.whole(0, 255), values.get("netaddr", ""))
    return Named(
        path.rpartition("/")[2],
        str(_taken(kinds.device_number(), values.get("devnumber", "")) or ""),
        resolve(port) if isinstance(port, str) and port else "",
        address if isinstance(address, int) else None,
    )


def _taken(kind: kinds.Kind, text: str) -> object:
    with suppress(ValueError):
        return kind.take(text)
    return None
