"""Out of the archives into a drop: which records are next for a server, and the zips that carry them.

The archive is the queue (formats guide, section 7): nothing is copied aside, a drop is made of byte ranges of archive
files each time that it is sent. Big files are read in pieces.
"""

from __future__ import annotations

import errno
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import BinaryIO

from engine import files
from engine.delivery.cursor import Choice, InFlight, Parcel, Range
from engine.delivery.damage import Hole, behind, hole_around
from engine.formats import drop as drops
from engine.formats.archive import Block, Head, blocks, convert_event_date, head_text, numbered, read_head
from engine.model import RecType
from engine.naming import ARCHIVES, SNAPSHOTS, archive_kind, is_dev_number

TEXT_LIMIT_BYTES = 4_000_000
PIECE_BYTES = 65536
BLOCK_LIMIT_BYTES = 65536
"""No block is longer: so many bytes without a whole one are damaged."""
SNAPSHOT_LIMIT_BYTES = 1 << 20
_ORDER = {rec_type: place for place, rec_type in enumerate((RecType.HOUR, RecType.DAY, RecType.MONTH, RecType.EVENT))}


@dataclass(frozen=True, slots=True)
class _Source:
    """One archive file as the folder lists it; `path` is below `www/`."""

    device: str
    rec_type: RecType
    path: str
    size: int


@dataclass(frozen=True, slots=True)
class _Part:
    """A file that holds a whole record at `begin` that is not delivered yet."""

    source: _Source
    head: Head
    begin: int


class Outbox:
    """Makes drops of the archives under `root`. One object may serve the threads of all servers.

    `event_date` is the order of dates in events (`ymd`, `dmy`), `dos_encoding` the code page of the DOS variant.
    Every method raises `OSError` as the disk gave it.
    """

    def __init__(
        self, root: Path, *, event_date: str, dos_encoding: str, text_limit_bytes: int = TEXT_LIMIT_BYTES
    ) -> None:
        self._archives = root / ARCHIVES
        self._snapshots = root / SNAPSHOTS
        self._event_date = event_date
        self._dos_encoding = dos_encoding
        self._limit = text_limit_bytes
        # A drop of full size in memory is enough: servers that come back together take turns in packing.
        self._packing = threading.Lock()

    def backlog_bytes(self, positions: Mapping[str, int]) -> int:
        """About how much of the archives is not delivered."""
        return sum(max(0, source.size - positions.get(source.path, 0)) for source in self._sources())

    def gone(self, paths: Iterable[str]) -> frozenset[str]:
        """Which of these files were removed. With its folder gone too a file counts as only out of reach."""
        return frozenset(path for path in paths if self._is_gone(self._archives / path))

    def choose(self, positions: Mapping[str, int]) -> Choice:
        """The next whole records in their order, up to the limit but at least one. They are on the disk: synced."""
        notices: list[str] = []
        ranges: list[Range] = []
        more = full = False
        for _, group in groupby(self._sources(), key=lambda source: (source.device, source.rec_type)):
            first: _Part | None = None
            for part in self._parts(group, positions, notices):
                first = first or part
                if full or part.head != first.head:
                    more = True  # the next drop follows at once, and with it a head of its own
                    break
                end, full = self._stretch(part, self._limit - sum(map(_length, ranges)), at_least_one=not ranges)
                if end > part.begin:
                    ranges.append(Range(part.source.path, part.begin, end))
                more = more or full
            if full:
                break
        self._sync(ranges)
        return Choice(tuple(ranges), more, tuple(notices))

    def build(self, drop: InFlight) -> Parcel:
        """The zips of a drop with exactly the records noted, and the snapshots of this moment."""
        with self._packing:
            kept = tuple(filter(None, map(self._kept, drop.ranges)))
            snapshots = dict(self._read_snapshots())
            contents = {name: drops.pack(self._members(drop, kept, snapshots, name)) for name in drop.variants}
        lost = sorted({f"{ARCHIVES}/{taken.path}" for taken in set(drop.ranges) - set(kept)})
        return Parcel(contents, kept, tuple(f"{path}: записи пропали с диска, отправлено без них" for path in lost))

    def _sources(self) -> list[_Source]:
        found = [source for device in _folders(self._archives) for source in _listed(device)]
        return sorted(found, key=lambda source: (source.device, _ORDER[source.rec_type], source.path))

    def _parts(self, group: Iterable[_Source], positions: Mapping[str, int], notices: list[str]) -> Iterator[_Part]:
        for source in group:
            position = positions.get(source.path, 0)
            if source.size == position:
                continue
            try:
                with (self._archives / source.path).open("rb") as file:
                    part = self._part(source, file, position, notices)
            except FileNotFoundError:
                continue
            if part:
                yield part

    def _part(self, source: _Source, file: BinaryIO, position: int, notices: list[str]) -> _Part | None:
        head, head_end = _read_head(file) or (None, 0)
        path = f"{ARCHIVES}/{source.path}"
        if head and position and _is_another(file, source.size, head_end, position):
            notices.append(f"{path}: это не тот файл, что был отправлен, отправляется с начала")
            position = 0
        place = max(position, head_end)
        if head and (first := next(_records(file, place), None)):
            return _Part(source, self._head(source.rec_type, head), first.start)
        begin = behind(_hole(file, head_end, place if head else 0), path, notices, waits=head is None)
        return _Part(source, self._head(source.rec_type, head), begin) if head and begin else None

    def _head(self, rec_type: RecType, head: Head) -> Head:
        """As a drop tells it: dates of events are in the order of the settings, whatever the file has."""
        return replace(head, event_date=self._event_date) if rec_type is RecType.EVENT else head

    def _stretch(self, part: _Part, room: int, *, at_least_one: bool) -> tuple[int, bool]:
        """Up to where the records of a file fit into `room` bytes, and whether a whole one remains behind.

        No range goes over damage: the keeper may be mending it.
        """
        end = part.begin
        with (self._archives / part.source.path).open("rb") as file:
            for record in _records(file, part.begin):
                room -= record.end - record.start
                if room < 0 and not (at_least_one and end == part.begin):
                    return end, True
                end = record.end
            hole = _hole(file, part.begin, end) if end < part.source.size else None
        return end, bool(hole and hole.passed_to)

    def _sync(self, ranges: Iterable[Range]) -> None:
        folders = set()
        for taken in ranges:
            path = self._archives / taken.path
            files.sync(path)
            folders |= {path.parent, self._archives}
        for folder in folders:
            files.sync(folder)

    def _kept(self, taken: Range) -> Range | None:
        """What is left of a range: normally all of it."""
        try:
            with (self._archives / taken.path).open("rb") as file:
                if not _read_head(file):
                    return None
                places = [(record.start, record.end) for record in _records(file, taken.start, taken.end)]
                # Behind damage a record begins where none ends.
                if not places or not (places[0][0] == taken.start or _ends_block(file, taken.start)):
                    return None
        except FileNotFoundError:
            return None
        return replace(taken, end=places[-1][1])

    def _is_gone(self, path: Path) -> bool:
        return path.parent.is_dir() and not path.exists()

    def _read_snapshots(self) -> Iterator[tuple[str, str]]:
        for path in sorted(self._snapshots.glob("*.txt")):
            if is_dev_number(path.stem):
                try:
                    data = files.read_limited(path, SNAPSHOT_LIMIT_BYTES)
                except OSError:
                    continue  # the user may delete snapshots, at this moment too
                yield path.stem, data.decode("utf-8", errors="replace")

    def _members(
        self, drop: InFlight, ranges: tuple[Range, ...], snapshots: Mapping[str, str], variant: str
    ) -> Iterator[tuple[str, Iterable[bytes]]]:
        encoding = drops.encoding_of(variant, self._dos_encoding)
        info = drops.DropInfo(drop.number, drop.seq, variant, drop.start, self._event_date, encoding)
        yield drops.DROP_INI, [self._encoded(drops.drop_ini(info), variant)]
        for device, text in snapshots.items():
            yield drops.snapshot_member(device), [self._encoded(text, variant)]
        for (device, rec_type), group in groupby(ranges, key=_owner):
            yield drops.records_member(device, rec_type), self._record_file(rec_type, list(group), variant)

    def _record_file(self, rec_type: RecType, ranges: list[Range], variant: str) -> Iterator[bytes]:
        number = 0
        for place, taken in enumerate(ranges):
            with (self._archives / taken.path).open("rb") as file:
                found = _read_head(file)
                if found is None:
                    raise OSError(errno.EIO, "the head is gone", taken.path)
                head = found[0]
                if not place:
                    yield self._encoded(head_text(self._head(rec_type, head)), variant)
                for record in _records(file, taken.start, taken.end):
                    number += 1
                    text = convert_event_date(record.text, head.event_date or self._event_date, self._event_date)
                    yield self._encoded(numbered(text, number), variant)

    def _encoded(self, text: str, variant: str) -> bytes:
        return drops.encode(text, variant, self._dos_encoding)


def _folders(archives: Path) -> list[Path]:
    try:
        return [path for path in archives.iterdir() if is_dev_number(path.name) and path.is_dir()]
    except FileNotFoundError:
        return []


def _listed(folder: Path) -> Iterator[_Source]:
    for path in folder.iterdir():
        kind = archive_kind(path.name)
        if kind is not None and path.is_file():
            yield _Source(folder.name, kind, f"{folder.name}/{path.name}", path.stat().st_size)


def _length(taken: Range) -> int:
    return taken.end - taken.start


def _owner(taken: Range) -> tuple[str, RecType]:
    device, _, name = taken.path.partition("/")
    return device, RecType(name[0])


def _read_head(file: BinaryIO) -> tuple[Head, int] | None:
    """`[0]` of a file and where it ends; None when there is none that names a device."""
    file.seek(0)
    block = next(blocks(file.read(BLOCK_LIMIT_BYTES)), None)
    if block is None or block.number:
        return None
    try:
        return read_head(block), block.end
    except ValueError:
        return None


def _records(file: BinaryIO, begin: int, end: int | None = None) -> Iterator[Block]:
    """Whole records from `begin`, up to `end` or the first that is not whole; offsets are those of the file."""
    file.seek(begin)
    at, rest = begin, b""
    while len(rest) <= BLOCK_LIMIT_BYTES:
        piece = file.read(PIECE_BYTES if end is None else min(PIECE_BYTES, end - at - len(rest)))
        if not piece:
            return
        rest += piece
        used = 0
        for block in blocks(rest):
            if not block.number:
                return
            yield replace(block, start=at + block.start, end=at + block.end)
            used = block.end
        at, rest = at + used, rest[used:]


def _ends_block(file: BinaryIO, position: int) -> bool:
    """Whether a block ends at `position`: what was delivered up to there is still what stands there."""
    file.seek(position - 2)
    return file.read(2) == b"\n\n"


def _is_another(file: BinaryIO, size: int, head_end: int, position: int) -> bool:
    """Whether what was delivered up to `position` cannot have stood in this file. Damage there tells nothing."""
    if position > size or position < head_end:
        return True
    return not _ends_block(file, position) and _hole(file, head_end, position) is None


def _hole(file: BinaryIO, begin: int, place: int) -> Hole | None:
    """See `hole_around`; nothing before `begin` is looked at."""
    first = max(begin, place - BLOCK_LIMIT_BYTES)
    file.seek(first)
    return hole_around(file.read(place - first + 2 * BLOCK_LIMIT_BYTES), first, place)
