"""A drop for external servers: what is in the zip, and how it is read (formats guide, section 7).

`drop.ini` says which drop this is. Each device has `<DevNumber>.txt`, its snapshot, and where there are
any its next records, `<DevNumber>_H.txt` and so on, renumbered from 1 under a head as in the archive.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from engine.formats import fields
from engine.formats.archive import Block, Head, blocks, head_text, numbered, read_head
from engine.formats.values import clean
from engine.model import RecType
from engine.naming import VARIANTS, is_dev_number

DROP_INI = "drop.ini"
ENCODINGS = ("cp1251", "cp866", "utf-8")
"""Code pages of the DOS variant; the Linux variant is UTF-8 always."""

MAX_DATA_BYTES = 64 << 20
MAX_TEXT_BYTES = 64 << 20
MAX_MEMBERS = 4096
"""What a reader takes of one drop: a writer stays at 4 MB of records and some kB for each device."""

_EPOCH = (1980, 1, 1, 0, 0, 0)
_MEMBER = re.compile(r"([0-9A-Za-z]{1,20})(?:_([HDME]))?\.txt")
_DAMAGE = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError,
    NotImplementedError, RuntimeError, UnicodeError, ValueError,
)  # fmt: skip


class BadDrop(ValueError):
    """A file that is no whole drop, or one that is larger than a drop can be."""


@dataclass(frozen=True, slots=True)
class DropInfo:
    """`[0]` of `drop.ini`. Number, `start` and `seq` together are the name of a drop for all time.

    `start` is the text that tells when this count began, `event_date` the order of dates in events,
    `encoding` that of every text in the zip.
    """

    number: int
    seq: int
    variant: str
    start: str
    event_date: str
    encoding: str


@dataclass(frozen=True, slots=True)
class RecordFile:
    """The records of one device and one type in a drop, in the order in which they were stored."""

    head: Head
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Drop:
    """A drop as its receiver sees it; texts have LF whatever the variant. Keys begin with the DevNumber."""

    info: DropInfo
    snapshots: Mapping[str, str]
    records: Mapping[tuple[str, RecType], RecordFile]


def encoding_of(variant: str, dos_encoding: str) -> str:
    """The encoding of a variant, as `drop.ini` tells it."""
    if variant not in VARIANTS or dos_encoding not in ENCODINGS:
        raise ValueError(f"no such variant: {variant}, {dos_encoding}")
    return dos_encoding if variant == "dos" else "utf-8"


def drop_ini(info: DropInfo) -> str:
    """The text of `drop.ini`."""
    return (
        f"[0]\nNumber={info.number}\nSeq={info.seq}\nVariant={info.variant}\nStart={clean(info.start)}\n"
        f"EventDate={clean(info.event_date)}\nEncoding={info.encoding}\n"
    )


def read_drop_ini(text: str) -> DropInfo:
    """What `drop.ini` says, of either variant. BadDrop when a key is missing or says what no drop can."""
    first, *lines = text.replace("\r\n", "\n").split("\n")
    told = dict(fields.pairs(lines))
    try:
        number, seq = int(told["Number"]), int(told["Seq"])
        info = DropInfo(number, seq, told["Variant"], told["Start"], told["EventDate"], told["Encoding"])
    except (KeyError, ValueError) as error:
        raise BadDrop(f"{DROP_INI}: {error}") from error
    if first != "[0]" or info.variant not in VARIANTS or info.encoding not in ENCODINGS:
        raise BadDrop(f"{DROP_INI}: {first}, {info.variant}, {info.encoding}")
    return info


def records_text(head: Head, texts: Iterable[str]) -> str:
    """A record file of a drop: the head, then the blocks `texts` numbered from 1, else as they are."""
    return head_text(head) + "".join(numbered(text, number) for number, text in enumerate(texts, 1))


def encode(text: str, variant: str, dos_encoding: str) -> bytes:
    """The bytes of a text in a variant. What the code page of `dos` lacks is `?`."""
    encoding = encoding_of(variant, dos_encoding)
    whole = text.replace("\n", "\r\n") if variant == "dos" else text
    return whole.encode(encoding, errors="replace")


def snapshot_member(dev_number: str) -> str:
    """`440020.txt`."""
    return _member(dev_number, "")


def records_member(dev_number: str, rec_type: RecType) -> str:
    """`440020_H.txt`."""
    return _member(dev_number, f"_{rec_type.value}")


def pack(members: Iterable[tuple[str, Iterable[bytes]]]) -> bytes:
    """A zip of (name, pieces of the content), in their order. The same contents give the same bytes.

    Only the packed bytes are held: a drop is a tenth of its text.
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, content in members:
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            with archive.open(entry, "w") as member:
                for piece in content:
                    member.write(piece)
    return packed.getvalue()


def read_drop(data: bytes) -> Drop:
    """A drop of either variant, read whole. BadDrop for anything that is damaged, incomplete or too large."""
    try:
        return _read(_members(data))
    except BadDrop:
        raise
    except _DAMAGE as error:
        raise BadDrop(f"{type(error).__name__}: {error}") from error


def _member(dev_number: str, ending: str) -> str:
    if not is_dev_number(dev_number):
        raise ValueError(f"not a device number: {dev_number!r}")
    return f"{dev_number}{ending}.txt"


def _members(data: bytes) -> dict[str, bytes]:
    if len(data) > MAX_DATA_BYTES:
        raise BadDrop(f"{len(data)} bytes are no drop")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = archive.infolist()
        if len(entries) > MAX_MEMBERS or sum(entry.file_size for entry in entries) > MAX_TEXT_BYTES:
            raise BadDrop(f"{len(entries)} files, more than a drop holds")
        members = {entry.filename: _content(archive, entry) for entry in entries}
    if len(entries) != _announced(data):
        raise BadDrop(f"{len(entries)} files, {_announced(data)} announced")
    if len(members) != len(entries):
        raise BadDrop("two files of one name")
    return members


def _announced(data: bytes) -> int:
    """How many files the end of the directory tells: zipfile itself does not compare them."""
    (count,) = struct.unpack_from("<H", data, data.rfind(b"PK\x05\x06") + 10)
    return int(count)


def _content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise BadDrop(f"{entry.filename}: compression {entry.compress_type}")
    with archive.open(entry) as stream:
        # Never more than the entry announces, whatever the stream would unpack to.
        content = stream.read(entry.file_size + 1)
    if len(content) != entry.file_size:
        raise BadDrop(f"{entry.filename}: {len(content)} bytes, {entry.file_size} announced")
    return content


def _read(members: dict[str, bytes]) -> Drop:
    if DROP_INI not in members:
        raise BadDrop(f"no {DROP_INI}")
    info = read_drop_ini(members.pop(DROP_INI).decode("utf-8"))
    snapshots: dict[str, str] = {}
    records: dict[tuple[str, RecType], RecordFile] = {}
    for name, content in members.items():
        found = _MEMBER.fullmatch(name)
        if found is None:
            raise BadDrop(f"{name}: no file of a drop")
        text = _decoded(name, content, info)
        if found[2] is None:
            snapshots[found[1]] = text
        else:
            records[found[1], RecType(found[2])] = _record_file(name, text)
    return Drop(info, snapshots, records)


def _decoded(name: str, content: bytes, info: DropInfo) -> str:
    text = content.decode(info.encoding)
    if info.variant == "dos":
        text = text.replace("\r\n", "\n")
    if "\r" in text:
        raise BadDrop(f"{name}: lines do not end as in the variant {info.variant}")
    return text


def _record_file(name: str, text: str) -> RecordFile:
    data = text.encode("utf-8")
    whole = tuple(blocks(data))
    if not whole or whole[-1].end != len(data) or [block.number for block in whole] != list(range(len(whole))):
        raise BadDrop(f"{name}: its records are not whole")
    return RecordFile(read_head(whole[0]), whole[1:])
