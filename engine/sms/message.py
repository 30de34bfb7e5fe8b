"""One SMS as the file that smsd takes (smstools 3.1, "SMS file format"). Pure."""

from __future__ import annotations

import re
from typing import NamedTuple

TEXT_LIMIT_CHARACTERS = 670
"""Ten parts of a Russian text: 67 characters each."""

_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NUMBER = re.compile(r"\+?[0-9]{5,15}")
_NAME = re.compile(r"tsm\.([A-Za-z0-9_-]{1,64})\.([0-9]{5,15})")


class SpoolName(NamedTuple):
    """What the name of a file in the spool says. Its number has no plus."""

    key: str
    number: str


def spool_name(key: str, number: str) -> str:
    """`tsm.20261122-7.79161234567`. ValueError for a key or a number that no file can be named by."""
    if not _KEY.fullmatch(key) or not _NUMBER.fullmatch(number):
        raise ValueError(f"no such message: {key!r} to {number!r}")
    return f"tsm.{key}.{number.removeprefix('+')}"


def parse_spool_name(name: str) -> SpoolName | None:
    """None for a file that is none of ours."""
    found = _NAME.fullmatch(name)
    return SpoolName(found[1], found[2]) if found else None


def message_file(number: str, text: str) -> bytes:
    """The content: headers, an empty line, the text.

    A number with a plus is international, any other goes out as it would be dialled. `Alphabet: UTF-8` lets smsd send
    what the GSM alphabet has in it and everything else as UCS2.
    """
    kind = "International" if number.startswith("+") else "Unknown"
    head = f"To: {number.removeprefix('+')}\nTo_TOA: {kind}\nAlphabet: UTF-8\n\n"
    return (head + _sendable(text)).encode()


def fail_reason(content: bytes) -> str:
    """What smsd has written into the head of a file that it gave up; empty if it said nothing."""
    head = content.partition(b"\n\n")[0].decode("utf-8", "replace")
    reasons = (line.removeprefix("Fail_reason:") for line in head.splitlines() if line.startswith("Fail_reason:"))
    return " ".join(next(reasons, "").split())


def _sendable(text: str) -> str:
    """What no telephone shows goes; a text that is too long says that it was cut."""
    lines = (" ".join(line.split()) for line in text.splitlines())
    whole = "\n".join(lines).strip("\n")
    shown = "".join(letter if letter == "\n" or letter.isprintable() else "?" for letter in whole)
    return shown if len(shown) <= TEXT_LIMIT_CHARACTERS else shown[: TEXT_LIMIT_CHARACTERS - 1] + "…"
