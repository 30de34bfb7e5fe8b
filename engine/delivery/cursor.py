"""How far one external server got: the value and the text of `var/delivery/<id>/cursor.txt` (formats guide, section 7).

A server is Host+Port+User+Directory: its id names the folder, whatever section of `ftp.ini` it stands in. The file is
sealed: a first line with the version, a last one with a CRC-32 of all above it. What is not exactly so is told and
never guessed over, because a wrong cursor sends records twice or never.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256

from engine.errors import AgentError
from engine.naming import VAR
from engine.settings.far_folder import bare_directory

FIRST_LINE = "; delivery cursor 1"
LIMIT_BYTES = 16 << 20
"""A longer file is none of ours."""
_SEAL = "; crc32 "
_BY_PATH = ("positions", "ranges")


class CursorDamaged(AgentError):
    """The text is not a cursor that the agent wrote. The message says what is wrong, in Russian."""


@dataclass(frozen=True, slots=True)
class Target:
    """What makes a server this server. `server_id` names its folder."""

    host: str
    port: int
    user: str
    directory: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "host", self.host.lower())
        object.__setattr__(self, "directory", bare_directory(self.directory))

    @property
    def server_id(self) -> str:
        """A readable slug and a hash that tells servers apart which have the same slug."""
        slug = re.sub(r"[^a-z0-9.]+", "-", f"{self.host}-{self.port}-{self.user}".lower()).strip("-.")[:40]
        exact = "\n".join((self.host, str(self.port), self.user, self.directory))
        return f"{slug}-{sha256(exact.encode('utf-8', 'surrogateescape')).hexdigest()[:10]}"


@dataclass(frozen=True, slots=True)
class Range:
    """Whole records of one archive file: bytes `start` up to but without `end`. `path` is below `www/`, with `/`."""

    path: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class InFlight:
    """A drop whose bytes may have left: its name, its count and its exact records, until the last variant is there.

    `sizes` are the bytes of its zips by the order of `variants`, as they were last sent; empty where nobody noted them.
    """

    number: int
    seq: int
    start: str
    variants: tuple[str, ...]
    ranges: tuple[Range, ...]
    sizes: tuple[int, ...] = ()

    def size(self, variant: str) -> int | None:
        """The bytes of one zip, as far as they are noted."""
        return dict(zip(self.variants, self.sizes, strict=False)).get(variant)


@dataclass(frozen=True, slots=True)
class Clash:
    """Somebody else uses this Number too: he had the name `taken`, so this agent's count went on with `seq`."""

    number: int
    taken: str
    seq: int


@dataclass(frozen=True, slots=True)
class Cursor:
    """`seq` is the next one to give, `start` the text that says when this count began, empty while it has not;
    `positions` are bytes by path below `www/`; `clash` tells why this count began where another one stood."""

    target: Target
    seq: int
    start: str
    positions: Mapping[str, int] = field(default_factory=dict)
    in_flight: InFlight | None = None
    clash: Clash | None = None

    def position(self, path: str) -> int:
        """Up to where this file is delivered, in bytes; 0 for one that was never touched."""
        return self.positions.get(path, 0)

    def launch(self, number: int, variants: tuple[str, ...], ranges: tuple[Range, ...]) -> tuple[Cursor, InFlight]:
        """The next seq is given to these records."""
        drop = InFlight(number, self.seq, self.start, variants, ranges)
        return replace(self, seq=self.seq + 1, in_flight=drop), drop

    def landed(self) -> Cursor:
        """The drop in flight has its final names: positions move."""
        moved = {taken.path: taken.end for taken in self.in_flight.ranges} if self.in_flight else {}
        return replace(self, positions={**self.positions, **moved}, in_flight=None)

    def jump(self, highest: int, start: str) -> Cursor:
        """Go on above `highest` with a new count."""
        return replace(self, seq=max(self.seq, highest + 1), start=start)

    def clashed(self, number: int, taken: str) -> Cursor:
        """Remember, behind a jump, whose fault it was."""
        return replace(self, clash=Clash(number, taken, self.seq))

    def without(self, paths: frozenset[str]) -> Cursor:
        """These files are gone: one that comes under the same name is another."""
        return replace(self, positions={path: at for path, at in self.positions.items() if path not in paths})


@dataclass(frozen=True, slots=True)
class Choice:
    """What the next drop takes. `more`: whole records remain behind it. `notices` are for the user, in Russian."""

    ranges: tuple[Range, ...]
    more: bool
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Parcel:
    """A drop ready to be sent: a zip by variant. `ranges` are those noted, less what is gone from the disk."""

    contents: Mapping[str, bytes]
    ranges: tuple[Range, ...]
    notices: tuple[str, ...] = ()


def cursor_path(target: Target) -> str:
    """`var/delivery/<id>/cursor.txt`, relative to the root."""
    return f"{VAR}/delivery/{target.server_id}/cursor.txt"


def write(cursor: Cursor) -> str:
    """The text of `cursor.txt`; `read` gives the same cursor back."""
    body = "".join(f"{line}\n" for line in (FIRST_LINE, *_lines(cursor)))
    return body + f"{_SEAL}{_crc(body)}\n"


def read(text: str) -> Cursor:
    """The cursor of a text that `write` made. Raises `CursorDamaged`."""
    body, seal, check = text.rpartition(_SEAL)
    if not body.startswith(FIRST_LINE + "\n"):
        raise CursorDamaged("это не курсор доставки или его версия неизвестна")
    if not seal or check != f"{_crc(body)}\n":
        raise CursorDamaged("курсор доставки повреждён: контрольная сумма не сходится")
    try:
        return _cursor(_sections(body))
    except (KeyError, ValueError) as error:
        raise CursorDamaged(f"курсор доставки не читается: {error}") from error


def _lines(cursor: Cursor) -> Iterator[str]:
    target = cursor.target
    yield from ("[cursor]", f"Host={target.host}", f"Port={target.port}", f"User={target.user}")
    yield from (f"Directory={target.directory}", f"NextSeq={cursor.seq}", f"Start={cursor.start}")
    if cursor.clash:
        yield from ("", "[clash]", f"Number={cursor.clash.number}", f"Taken={cursor.clash.taken}")
        yield f"Seq={cursor.clash.seq}"
    yield from ("", "[positions]")
    yield from (f"{path}={at}" for path, at in sorted(cursor.positions.items()))
    if cursor.in_flight:
        yield from _drop_lines(cursor.in_flight)
    yield ""


def _drop_lines(drop: InFlight) -> Iterator[str]:
    yield from ("", "[in flight]", f"Number={drop.number}", f"Seq={drop.seq}", f"Start={drop.start}")
    yield from (f"Variants={','.join(drop.variants)}", f"Sizes={','.join(map(str, drop.sizes))}", "", "[ranges]")
    yield from (f"{taken.path}={taken.start}-{taken.end}" for taken in drop.ranges)


def _sections(body: str) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    section = ""
    for line in filter(None, body.split("\n")[1:]):
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1]
            found[section] = {}
        else:
            # A path may hold `=`, and so may a user's name: the number after a path comes last.
            key, _, value = line.rpartition("=") if section in _BY_PATH else line.partition("=")
            found[section][key] = value
    return found


def _cursor(sections: dict[str, dict[str, str]]) -> Cursor:
    head = sections["cursor"]
    target = Target(head["Host"], int(head["Port"]), head["User"], head["Directory"])
    positions = {path: int(at) for path, at in sections["positions"].items()}
    return Cursor(target, int(head["NextSeq"]), head["Start"], positions, _drop(sections), _clash(sections))


def _clash(sections: dict[str, dict[str, str]]) -> Clash | None:
    told = sections.get("clash")
    return Clash(int(told["Number"]), told["Taken"], int(told["Seq"])) if told else None


def _drop(sections: dict[str, dict[str, str]]) -> InFlight | None:
    if "in flight" not in sections:
        return None
    drop = sections["in flight"]
    ranges = tuple(_range(path, value) for path, value in sections["ranges"].items())
    variants = tuple(filter(None, drop["Variants"].split(",")))
    sizes = tuple(map(int, filter(None, drop.get("Sizes", "").split(","))))
    return InFlight(int(drop["Number"]), int(drop["Seq"]), drop["Start"], variants, ranges, sizes)


def _range(path: str, value: str) -> Range:
    start, end = map(int, value.split("-"))
    return Range(path, start, end)


def _crc(body: str) -> str:
    return f"{zlib.crc32(body.encode('utf-8', 'surrogateescape')):08x}"
