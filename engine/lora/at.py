"""How to talk to a RAK811 module in both of its dialects: firmware 2.x and 3.x. Pure.

Sources: maker's AT manuals V1.5 (2018, firmware 2) and V1.0 (2020, firmware 3), and the source of firmware 2.0.3. Each
function is a dialogue: it yields what to send and gets the lines that came. Lines that say nothing of an answer (the
banner, chatter) never reach it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from engine.errors import AgentError, NoAnswer, Refused
from engine.settings.lora import LoraSettings

COMMAND_S, RESTART_S, JOIN_S, SEND_S, ACKNOWLEDGED_S = 5.0, 15.0, 300.0, 300.0, 15.0
LISTEN_ONLY = ""
_SPEAKING = ("OK", "ERROR", "at+recv=", "Initialization OK")

Lines = Sequence[str]
T = TypeVar("T")


class NotJoined(AgentError):
    """The network does not know the module any more: join again."""


class TooLong(AgentError):
    """The payload does not fit the data rate of this moment: send smaller ones."""


class Silent(NoAnswer):
    """The module itself says nothing, not even that the air is silent."""


class NotNow(AgentError):
    """The module or the law of the air does not let it speak now: later the same again."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One command without its CR LF, how long its answer may take, and when it is whole."""

    command: str
    timeout_s: float
    is_whole: Callable[[Lines], bool]


Talk = Generator[Ask, Lines, T]


def speaks(line: str) -> bool:
    """Whether a line belongs to an answer."""
    return line.startswith(_SPEAKING)


def _is_answered(lines: Lines) -> bool:
    return any(line.startswith(("OK", "ERROR", "Initialization OK")) for line in lines)


def _is_restarted(lines: Lines) -> bool:
    return any(line.startswith(("ERROR", "Initialization OK")) for line in lines)


def _command(text: str, timeout_s: float = COMMAND_S, is_whole: Callable[[Lines], bool] = _is_answered) -> Talk[Lines]:
    lines = yield Ask(f"at+{text}", timeout_s, is_whole)
    if not _is_answered(lines):
        raise Silent("модуль не отвечает")
    return lines


def identify() -> Talk[int]:
    """The generation of the firmware: 2 or 3. A module that slept hears the second command."""
    for _ in range(3):
        lines = yield Ask("at+version", COMMAND_S, _is_answered)
        for line in lines:
            if found := re.match(r"OK(?: V| ?)([0-9]+)\.", line):
                return 3 if line.startswith("OK V") else int(found[1])
    raise Silent("модуль не отвечает на at+version")


class Dialect:
    """What both generations are asked for. Raises NoAnswer, Refused, NotJoined, TooLong, NotNow."""

    def __init__(self, settings: LoraSettings) -> None:
        self.settings = settings

    def longest_bytes(self) -> int:
        """What one command can carry, whatever the data rate allows."""
        raise NotImplementedError

    def configure(self) -> Talk[None]:
        """Everything of the settings, as the module keeps it."""
        raise NotImplementedError

    def join(self) -> Talk[None]:
        """Into the network."""
        raise NotImplementedError

    def send(self, payload: bytes) -> Talk[None]:
        """One uplink; returns when it was sent, or, where that is wanted, when the network has acknowledged it."""
        raise NotImplementedError

    def _set(
        self, text: str, timeout_s: float = COMMAND_S, is_whole: Callable[[Lines], bool] = _is_answered
    ) -> Talk[None]:
        lines = yield from _command(text, timeout_s, is_whole)
        self._check(lines, re.split(r"[:=][0-9A-Fa-f]{8,}", text)[0])

    def _check(self, lines: Lines, what: str) -> None:
        """Raise what an error means. `what` never holds a key."""
        error = next((line for line in lines if line.startswith("ERROR")), None)
        if error is None:
            return
        number = int((re.findall(r"-?[0-9]+", error) or ["0"])[-1])
        if number in _NOT_JOINED:
            raise NotJoined("модуль не в сети")
        if number in _TOO_LONG:
            raise TooLong("посылка длиннее, чем допускает скорость")
        if number in _NOT_NOW:
            raise NotNow("эфир занят или исчерпана доля времени")
        if number in _ON_AIR:
            raise NoAnswer(f"{_ON_AIR[number]} (ошибка {number})")
        raise Refused(f"модуль не принял {what}: ошибка {number}")


_NOT_JOINED = (-5, 86)
_TOO_LONG = (-13, 87, 101)
_NOT_NOW = (-6, 80, 88, 90, 91, 92)
_ON_AIR = {
    -3: "вход в сеть не удался", -4: "вход в сеть не удался", -7: "не передано", 93: "не передано", 94: "не передано",
    95: "нет подтверждения", 96: "нет подтверждения", 97: "нет подтверждения", 98: "нет подтверждения",
    99: "вход в сеть не удался", 102: "потеряна связь с сетью",
}  # fmt: skip


class SecondFirmware(Dialect):
    """Firmware 2.x: `at+recv=<status>,<port>[,<rssi>,<snr>],<len>[,<hex>]` tells what became of a command."""

    def longest_bytes(self) -> int:
        """The firmware takes 128 digits."""
        return 64

    def configure(self) -> Talk[None]:
        own = self.settings
        yield from self._set("mode=0")
        yield from self._set(f"band={own.region}")
        keys = {"dev_eui": own.dev_eui, "app_eui": own.app_eui, "app_key": own.app_key}
        if own.join == "abp":
            keys = {"dev_addr": own.dev_addr, "nwks_key": own.nwks_key, "apps_key": own.apps_key}
        keys |= {"adr": "on" if own.adr else "off"}
        for name, value in keys.items():
            if value:
                yield from self._set(f"set_config={name}:{value}")
        yield from self._set(f"dr={own.data_rate}")

    def join(self) -> Talk[None]:
        if self.settings.join == "abp":
            yield from self._set("join=abp")
            return
        lines = yield from _command("join=otaa", JOIN_S, _has_status)
        self._check(lines, "join")
        if _status(lines) != 3:
            raise NoAnswer("вход в сеть не удался")

    def send(self, payload: bytes) -> Talk[None]:
        own = self.settings
        lines = yield from _command(f"send={int(own.confirmed)},{own.port},{payload.hex()}", SEND_S, _has_status)
        self._check(lines, "send")
        status = _status(lines)
        if status not in ((1,) if own.confirmed else (1, 2)):
            raise NoAnswer("нет подтверждения" if own.confirmed and status in (2, 6) else "не передано")


def _has_status(lines: Lines) -> bool:
    """Whether it is told what became of the command; a downlink (0, 7) is something else."""
    return any(line.startswith("ERROR") for line in lines) or _status(lines) is not None


def _status(lines: Lines) -> int | None:
    statuses = [int(found[1]) for line in lines if (found := re.match(r"at\+recv=([0-9]+),", line))]
    return next((status for status in statuses if status not in (0, 7, 8)), None)


class ThirdFirmware(Dialect):
    """Firmware 3.x: a command is answered when the radio has done its work."""

    def longest_bytes(self) -> int:
        """255 characters with `at+send=lora:`, port, colon and CR LF."""
        return (255 - len(f"at+send=lora:{self.settings.port}:\r\n")) // 2

    def configure(self) -> Talk[None]:
        own = self.settings
        yield from self._set("set_config=lora:work_mode:0", RESTART_S, _is_restarted)
        yield from self._set(f"set_config=lora:join_mode:{int(own.join == 'abp')}")
        yield from self._set(f"set_config=lora:region:{own.region}")
        yield from self._set("set_config=lora:class:0")
        keys = {"dev_eui": own.dev_eui, "app_eui": own.app_eui, "app_key": own.app_key}
        if own.join == "abp":
            keys = {"dev_addr": own.dev_addr, "nwks_key": own.nwks_key, "apps_key": own.apps_key}
        numbers = {"confirm": str(int(own.confirmed)), "adr": str(int(own.adr)), "dr": str(own.data_rate)}
        for name, value in (keys | numbers).items():
            if value:
                yield from self._set(f"set_config=lora:{name}:{value}")

    def join(self) -> Talk[None]:
        yield from self._set("join", JOIN_S)

    def send(self, payload: bytes) -> Talk[None]:
        own = self.settings
        lines = yield from _command(f"send=lora:{own.port}:{payload.hex()}", SEND_S)
        self._check(lines, "send")
        if own.confirmed and not _is_acknowledged(lines):
            lines = yield Ask(LISTEN_ONLY, ACKNOWLEDGED_S, _is_acknowledged)
            if not _is_acknowledged(lines):
                raise NoAnswer("нет подтверждения")


def _is_acknowledged(lines: Lines) -> bool:
    """`at+recv=0,<rssi>,<snr>,0`: port 0 without data. Data on a port of ours come in an acknowledgement too."""
    return any(re.match(r"at\+recv=[0-9]+,-?[0-9]+,-?[0-9]+,[0-9]+", line) for line in lines)


def dialect(generation: int, settings: LoraSettings) -> Dialect:
    """The words for a module of this generation. Refused where there is none."""
    if generation == 2:
        return SecondFirmware(settings)
    if generation == 3:
        return ThirdFirmware(settings)
    raise Refused(f"прошивка модуля {generation}.x неизвестна, бывают 2.x и 3.x")
