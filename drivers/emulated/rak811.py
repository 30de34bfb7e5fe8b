"""A RAK811 LoRaWAN module that is not there, with firmware 2.x or 3.x, and the network behind it.

By the maker's AT manuals V1.5 (2018) and V1.0 (2020) and the source of firmware 2.0.3. What a program sent stands in
`uplinks`.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from drivers.emulated import Family, Piece, Speaker

_JOIN_S, _SEND_S = 5.5, 1.5
_CONFIG_2 = re.compile(r"set_config=(\w+):(\S+)(?:&\w+:\S+)*")
_SEND_2 = re.compile(r"send=([01]),(\d{1,3}),((?:[0-9a-f]{2})*)", re.IGNORECASE)
_SEND_3 = re.compile(r"send=lora:(\d{1,3}):((?:[0-9a-f]{2})+)", re.IGNORECASE)
_CONFIG_3 = re.compile(r"set_config=lora:(\w+):(\S+)")
_NEEDED = {"otaa": ("app_eui", "app_key"), "abp": ("dev_addr", "nwks_key", "apps_key")}


@dataclass
class Module:
    """One module. `faults` are taken one for each uplink: `unheard`, `busy`, `forgotten`, `too_long`, `silent`."""

    firmware: int
    config: dict[str, str] = field(default_factory=dict)
    uplinks: list[tuple[int, bool, bytes]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    joins: int = 0
    refused_joins: int = 0
    joined: bool = False
    longest_bytes: int = 242
    heard: list[str] = field(default_factory=list)
    delays: bool = True
    _buffer: bytes = b""

    def pieces(self, data: bytes) -> Sequence[Piece]:
        """Hears commands; a line longer than its buffer is none."""
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        self._buffer = self._buffer[-300:]
        found: list[Piece] = []
        for line in lines:
            found += self._answers(line.decode("ascii", "replace").strip())
        return [(pause_s if self.delays else 0.0, part) for pause_s, part in found]

    def elapse(self, seconds: float) -> None:
        pass

    def pause(self) -> None:
        """The module waits for the end of a line for ever."""

    def _answers(self, line: str) -> list[Piece]:
        self.heard.append(line)
        command = line.removeprefix("at+")
        if command == line:
            return []
        if self.firmware == 2:
            return self._second(command)
        if len(line) + 2 > 255:
            return [_says("ERROR: 5")]
        return self._third(command)

    # --- firmware 2

    def _second(self, command: str) -> list[Piece]:
        if command == "version":
            return [_says("OK2.0.3.0")]
        if command in ("mode=0",) or re.fullmatch(r"band=[A-Z0-9]+|dr=[0-7]", command):
            return [_says("OK")]
        if command in ("join=otaa", "join=abp"):
            return self._join_2(command.removeprefix("join="))
        if found := _CONFIG_2.fullmatch(command):
            self.config[found[1]] = found[2]
            return [_says("OK")]
        if found := _SEND_2.fullmatch(command):
            return self._send_2(found[1] == "1", int(found[2]), bytes.fromhex(found[3]))
        return [_says("ERROR-1")]

    def _join_2(self, how: str) -> list[Piece]:
        if not all(self.config.get(name) for name in _NEEDED[how]):
            return [_says("ERROR-3" if how == "abp" else "ERROR-4")]
        joined = self._join()
        return [_says("OK")] + (
            [] if how == "abp" else [_says("at+recv=3,0,0" if joined else "at+recv=4,0,0", _JOIN_S)]
        )

    def _send_2(self, confirmed: bool, port: int, payload: bytes) -> list[Piece]:
        if len(payload) > 64:
            return [_says("ERROR-1")]
        fault = self._fault(payload)
        if fault in _ERRORS_2:
            return [_says(_ERRORS_2[fault])]
        if fault == "silent":
            return []
        if fault == "unheard":
            return [_says("OK"), _says("at+recv=6,0,0" if confirmed else "at+recv=5,0,0", _SEND_S)]
        self._take(port, confirmed, payload)
        done = "at+recv=1,0,0" if confirmed else "at+recv=2,0,0"
        return [_says("OK"), _says("at+recv=0,11,4,65666768", _SEND_S), _says(done)]

    # --- firmware 3

    def _third(self, command: str) -> list[Piece]:
        if command == "version":
            return [_says("OK V3.0.0.14.H")]
        if command == "set_config=lora:work_mode:0":
            banner = "UART1 work mode: RUI_UART_NORAMAL\r\nCurrent work_mode:LoRaWAN, join_mode:OTAA, Class: A"
            return [_says(banner), _says("Initialization OK ", 0.5)]
        if command == "join":
            return self._join_3()
        if found := _CONFIG_3.fullmatch(command):
            self.config[found[1]] = found[2]
            return [_says("OK ")]
        if found := _SEND_3.fullmatch(command):
            return self._send_3(int(found[1]), bytes.fromhex(found[2]))
        return [_says("ERROR: 1" if not command.startswith("send") else "ERROR: 2")]

    def _join_3(self) -> list[Piece]:
        how = "abp" if self.config.get("join_mode") == "1" else "otaa"
        if not all(self.config.get(name) for name in _NEEDED[how]):
            return [_says("ERROR: 82")]
        if not self._join():
            return [_says("ERROR: RUI_AT_LORA_INFO_STATUS_JOIN_FAIL 99", _JOIN_S)]
        return [_says("OK Join Success", _JOIN_S)]

    def _send_3(self, port: int, payload: bytes) -> list[Piece]:
        confirmed = self.config.get("confirm") == "1"
        fault = self._fault(payload)
        if fault in _ERRORS_3:
            return [_says(_ERRORS_3[fault])]
        if fault == "silent":
            return []
        if fault == "unheard":
            return [_says("ERROR: 96" if confirmed else "ERROR: 94", _SEND_S)]
        self._take(port, confirmed, payload)
        acknowledged = [_says("at+recv=0,-105,-12,0")] if confirmed else [_says("at+recv=3,-70,8,2:0a0b")]
        return [_says("OK ", _SEND_S), *acknowledged]

    # --- the network

    def _join(self) -> bool:
        self.joins += 1
        self.joined = self.joins > self.refused_joins
        return self.joined

    def _fault(self, payload: bytes) -> str:
        fault = self.faults.pop(0) if self.faults else ""
        if fault == "forgotten":
            self.joined = False
        if not self.joined:
            return "forgotten"
        return "too_long" if len(payload) > self.longest_bytes else fault

    def _take(self, port: int, confirmed: bool, payload: bytes) -> None:
        self.uplinks.append((port, confirmed, payload))


_ERRORS_2 = {"forgotten": "ERROR-5", "busy": "ERROR-6", "too_long": "ERROR-13"}
_ERRORS_3 = {"forgotten": "ERROR: 86", "busy": "ERROR: 90", "too_long": "ERROR: 101"}


def _says(text: str, pause_s: float = 0.0) -> Piece:
    return pause_s, f"{text}\r\n".encode("ascii")


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--refused-joins", type=int, default=0, metavar="N", help="столько раз сеть не принимает модуль"
    )


def _build(model: str, arguments: argparse.Namespace, now: datetime) -> Speaker:
    del now
    return Module(2 if model.endswith("2") else 3, refused_joins=arguments.refused_joins)


FAMILY = Family(name="RAK811", models=("rak811-2", "rak811-3"), add_options=_add_options, build=_build)
