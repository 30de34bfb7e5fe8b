"""One letter: Russian subject and text in UTF-8, files attached as far as they fit.

Files are read while the letter is sent, a piece at a time: the agent's memory is 40 MiB.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path

from engine import files
from engine.mail.account import Account
from engine.reasons import why

ATTACHED_BYTES_MOST = 10 * 1024 * 1024
"""In all: more is taken by few servers."""
_READ_BYTES = 57 * 1024
"""Whole lines of base64."""
_LEADING_DOT = re.compile(rb"^\.", re.MULTILINE)
_KINDS = {
    ".pdf": ("application", "pdf"),
    ".xlsx": ("application", "vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}


@dataclass(frozen=True, slots=True)
class Letter:
    """What is sent to whom. `files` are paths relative to `root`; `date` is None while the clock is not believed."""

    number: int
    message_id: str
    subject: str
    body: str
    to: tuple[str, ...]
    name: str
    date: datetime | None
    root: Path
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Packed:
    """A message: its bytes, with files in between that are to be encoded. `files_bytes` is what they become."""

    parts: tuple[bytes | Path, ...]
    files_bytes: int

    @property
    def size_bytes(self) -> int:
        """About how long it is."""
        return self.files_bytes + sum(len(part) for part in self.parts if isinstance(part, bytes))


def packed(letter: Letter, account: Account, *, attached: bool = True) -> Packed:
    """The whole message. What is not attached is named in the text with the place where it lies."""
    message = EmailMessage(policy=SMTP)
    message["Subject"] = _one_line(letter.subject)
    message["From"] = Address(_one_line(letter.name) if account.display else "", addr_spec=account.sender)
    message["To"] = [Address(addr_spec=address) for address in letter.to]
    message["Message-ID"] = letter.message_id
    message["Auto-Submitted"] = "auto-generated"
    if letter.date is not None:
        message["Date"] = format_datetime(letter.date)
    fitting, left_out = _fitting(letter, attached=attached)
    message.set_content("".join([letter.body, *(f"Не приложен: {text}\n" for text in left_out)]), cte="base64")
    for place, path in enumerate(fitting):
        kind, sub = _KINDS.get(path.suffix, ("application", "octet-stream"))
        message.add_attachment(_marker(place), maintype=kind, subtype=sub, filename=path.name)
    return Packed(tuple(_parts(message.as_bytes(), fitting)), sum(map(_size_of, fitting.values())))


def pieces(letter: Packed) -> Iterator[bytes]:
    """The bytes of the message in their order, ready for the wire. Raises `OSError` when a file is gone meanwhile."""
    for part in letter.parts:
        if isinstance(part, bytes):
            yield _LEADING_DOT.sub(b"..", part)
            continue
        with open(part, "rb", opener=files.open_regular) as file:
            while data := file.read(_READ_BYTES):
                yield base64.encodebytes(data).replace(b"\n", b"\r\n")


def _parts(whole: bytes, paths: Iterable[Path]) -> Iterator[bytes | Path]:
    """The message with each file in the place of its mark."""
    for place, path in enumerate(paths):
        before, _, whole = whole.partition(base64.encodebytes(_marker(place)).replace(b"\n", b"\r\n"))
        yield before
        yield path
    yield whole if whole.endswith(b"\r\n") else whole + b"\r\n"


def _marker(place: int) -> bytes:
    return f"file {place} of this letter".encode()


def _fitting(letter: Letter, *, attached: bool) -> tuple[dict[Path, int], list[str]]:
    """The files that are attached, with their sizes, and what is said of the others."""
    fitting: dict[Path, int] = {}
    left_out: list[str] = []
    room = ATTACHED_BYTES_MOST if attached else 0
    for name in letter.files:
        try:
            size = (letter.root / name).stat().st_size
        except OSError as error:
            left_out.append(f"{name}: {why(error)}")
            continue
        if size > room:
            left_out.append(f"{name}, {(size + 1023) // 1024} кБ: слишком велик для письма, возьмите по FTP")
            continue
        fitting[letter.root / name] = size
        room -= size
    return fitting, left_out


def _size_of(size_bytes: int) -> int:
    """As base64 in lines."""
    return (size_bytes + 2) // 3 * 4 * 78 // 76 + 2


def _one_line(text: str) -> str:
    return " ".join(text.split())
