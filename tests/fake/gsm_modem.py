"""A GSM modem on a pseudo terminal: it answers AT commands and keeps what was handed to it.

It is written from the tables of 3GPP TS 27.005 and 23.040, and shares nothing with the product.
"""

from __future__ import annotations

import os
import re
import select
import threading
import tty
from types import TracebackType
from typing import NamedTuple, Self

CTRL_Z, ESCAPE = b"\x1a", b"\x1b"


class Sms(NamedTuple):
    """A submitted message, or one part of it. `part` is (reference, total, number), None for a message of one part."""

    number: str
    text: str
    part: tuple[int, int, int] | None


class GsmModem:
    """Serves `path` between `__enter__` and `__exit__`. `refusal` is the number of a `+CMS ERROR`, 0 for none."""

    def __init__(self, refusal: int = 0, *, silent: bool = False, registered: bool = True) -> None:
        self.refusal = refusal
        self.silent = silent
        self.registered = registered
        self.heard = b""
        self.commands: list[str] = []
        self.pdus: list[str] = []
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.path = os.ttyname(self._slave)
        self._ending, self._end = os.pipe()
        self._buffer = b""
        self._prompted = False
        self._thread = threading.Thread(target=self._serve, name="gsm modem")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.write(self._end, b"x")
        self._thread.join()
        for descriptor in (self._master, self._slave, self._ending, self._end):
            os.close(descriptor)

    @property
    def messages(self) -> list[Sms]:
        return [decode_submit(pdu) for pdu in self.pdus]

    def _serve(self) -> None:
        while True:
            ready, _, _ = select.select([self._master, self._ending], [], [])
            if self._ending in ready:
                return
            data = os.read(self._master, 4096)
            self.heard += data
            if not self.silent:
                self._buffer += data
                self._take()

    def _take(self) -> None:
        while True:
            ends = rb"[\x1a\x1b]" if self._prompted else rb"\r\n?|[\x1a\x1b]"
            found = re.search(ends, self._buffer)
            if found is None:
                return
            whole, self._buffer = self._buffer[: found.start()], self._buffer[found.end() :]
            if self._prompted:
                self._prompted = False
                self._submit(whole.strip(), sent=found[0] == CTRL_Z)
            elif whole.strip():
                self._command(whole.decode("ascii", "replace").strip())

    def _submit(self, pdu: bytes, *, sent: bool) -> None:
        if not sent:
            self._say("OK")
            return
        self.pdus.append(pdu.decode("ascii"))
        self._say(f"+CMS ERROR: {self.refusal}" if self.refusal else f"+CMGS: {len(self.pdus)}\r\n\r\nOK")

    def _command(self, command: str) -> None:
        self.commands.append(command)
        if command.upper().startswith("AT+CMGS="):
            self._prompted = True
            os.write(self._master, b"\r\n> ")
            return
        answers = {
            "AT+CPIN?": "+CPIN: READY",
            "AT+CREG?": f"+CREG: 0,{1 if self.registered else 2}",
            "AT+CSQ": "+CSQ: 20,0",
            "AT+CSCA?": '+CSCA: "+79037011111",145',
        }
        answer = answers.get(command.upper())
        self._say(f"{answer}\r\n\r\nOK" if answer else "OK")

    def _say(self, text: str) -> None:
        os.write(self._master, f"\r\n{text}\r\n".encode("ascii"))


def decode_submit(pdu: str) -> Sms:
    """An SMS-SUBMIT as it goes behind `AT+CMGS=`: centre, first octet, reference, address, PID, DCS, validity, text."""
    data = bytes.fromhex(pdu)
    rest = data[1 + data[0] :]
    first, digits, kind = rest[0], rest[2], rest[3]
    octets = (digits + 1) // 2
    number = "".join(f"{octet & 15:X}{octet >> 4:X}" for octet in rest[4 : 4 + octets])[:digits]
    rest = rest[4 + octets :]
    coding, rest = rest[1], rest[2 + (1 if first & 0x18 == 0x10 else 0) :]
    length, content = rest[0], rest[1:]
    header = content[: 1 + content[0]] if first & 0x40 else b""
    text = _ucs2(content[:length], header) if coding & 0x0C == 0x08 else _septets(content, length, header)
    return Sms(("+" if kind & 0x70 == 0x10 else "") + number, text, _part(header))


def _part(header: bytes) -> tuple[int, int, int] | None:
    return (header[3], header[4], header[5]) if header[1:3] == b"\x00\x03" else None


def _ucs2(content: bytes, header: bytes) -> str:
    return content[len(header) :].decode("utf-16-be")


def _septets(content: bytes, length: int, header: bytes) -> str:
    """Only the letters that GSM 03.38 and ASCII share."""
    bits = int.from_bytes(content, "little")
    skipped = (8 * len(header) + 6) // 7
    return bytes((bits >> 7 * index) & 0x7F for index in range(skipped, length)).decode("ascii")
