"""What a driver file declares, and the form in which it talks: generators that yield `Ask`.

A dialogue knows no port, no clock and no retry. It yields an `Ask`, is sent the payload that
`Ask.take` found, and returns its result. Whoever runs it owns deadlines, repeats and noise.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from engine.model import Entry, Reading, RecType


@dataclass(frozen=True, slots=True)
class Look:
    """What `Ask.take` sees in the bytes that have come so far.

    `payload` is the verified answer, None while there is none. `reason` then says what is
    in the way, in the words that `status.txt` counts: "контрольная сумма", "чужой адрес".
    `sender` is the address of whoever answered, where the frame tells it.
    """

    payload: bytes | None
    reason: str = ""
    sender: int | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """One request and how to know its answer.

    `expected` is the size of the whole answer in bytes: it bounds the time that the answer may take.
    `pause_s` is how long the line must have been silent before the request, `wait_s` how long the first byte may
    take at least, `attempts` how often the request is sent at most, 0 for as often as the settings say.
    """

    request: bytes
    take: Callable[[bytes], Look]
    expected: int
    pause_s: float = 0.0
    wait_s: float = 0.0
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Setup:
    """What a driver may know of the user's settings of its device.

    `protocol` is for types that are met with two; `template` is a map of registers, parsed, for DevType=Modbus.
    `connection` is `Serial` or `TCP`.
    """

    device_type: str = "auto"
    address: int = 0
    block_size: int = 64
    energy_unit: str = ""
    protocol: str = "auto"
    template: object = None
    connection: str = "Serial"


@dataclass(frozen=True, slots=True)
class Identity:
    """A device that has told what it is.

    `device_type` is the written spelling for `DevType=auto`; `layout` is the driver's own
    knowledge of this device (its map, its masks) and is opaque to everybody else.
    """

    id_text: str
    device_type: str
    meter_number: str
    layout: object


@dataclass(frozen=True, slots=True)
class Ring:
    """One archive in the meter's memory: places `first` … `first + count - 1`, used in a circle.

    `next_place` is the one that the meter will write next, so the newest record is just before it. `number`
    tells rings of one type apart, 0 where there is but one. `regular`: a record stands for each hour, day or
    month, so that one that is not there is a gap.
    """

    rec_type: RecType
    first: int
    count: int
    next_place: int
    number: int = 0
    regular: bool = True

    @property
    def key(self) -> str:
        """`H`, or `E2` for the second ring of events."""
        return self.rec_type.value + (str(self.number) if self.number else "")

    def after(self, place: int, steps: int = 1) -> int:
        """The place `steps` further along the circle; negative steps go back."""
        return self.first + (place - self.first + steps) % self.count


@dataclass(frozen=True, slots=True)
class Mark:
    """What tells one record of an archive from another without reading it whole.

    `stamp` is None for an empty or unreadable place; `powered_h` is the running `Tall` in hours of a record,
    `text` all that an event says.
    """

    stamp: datetime | None
    powered_h: float | None = None
    text: str = ""


class Condition(Enum):
    """How far a record that was read can be trusted."""

    GOOD = "good"
    UNSUMMED = "unsummed"
    """Its own sum does not fit, but two readings were equal and the stamps are valid."""
    EMPTY = "empty"
    DAMAGED = "damaged"


@dataclass(frozen=True, slots=True)
class Fetched:
    """One place of a ring, read: `record` is there when the condition is GOOD or UNSUMMED.

    An `Event` for a ring of RecType.EVENT, else a `Record`.
    """

    condition: Condition
    record: Entry | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Sought:
    """One way in which autoconfiguration looks for a family on a line of which nothing is known.

    `device_type` and `protocol`: as what it is asked, where it answers under a name only. `called`: address 0 makes
    whoever is there answer. `addressed` is False where no frame bears an address. `speeds`: empty for any.
    `wait_s` is how long its first byte may take, 0 for as long as usual.
    """

    device_type: str = "auto"
    protocol: str = "auto"
    called: bool = True
    addressed: bool = True
    speeds: tuple[int, ...] = ()
    wait_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Write:
    """One number for one register of a device: `raw` is 0 to 65535, `function` the one of Modbus that writes it."""

    register: int
    raw: int
    function: int = 6


@dataclass(frozen=True, slots=True)
class Driver:
    """A family of devices. Drivers of one protocol share `ask_id`, so one question serves them all.

    `open` raises `Refused` when the id fits but the memory map does not: the next driver that
    accepts the id is tried. `rings` is None for a family without an archive; `sought` is empty for one that
    cannot tell what it is. `write` is None where nothing can be written; it ends when the device is known to hold
    the number, and raises `Refused` when it does not.
    """

    name: str
    device_types: tuple[str, ...]
    energy_unit: str
    ask_id: Callable[[Setup], Generator[Ask, bytes, bytes]]
    accepts: Callable[[bytes], bool]
    open: Callable[[Setup, bytes], Generator[Ask, bytes, Identity]]
    read: Callable[[Setup, Identity], Generator[Ask, bytes, Reading]]
    rings: Callable[[Setup, Identity], Generator[Ask, bytes, tuple[Ring, ...]]] | None = None
    probe: Callable[[Setup, Identity, Ring, int], Generator[Ask, bytes, Mark]] | None = None
    fetch: Callable[[Setup, Identity, Ring, int], Generator[Ask, bytes, Fetched]] | None = None
    sought: tuple[Sought, ...] = (Sought(),)
    write: Callable[[Setup, Identity, Write], Generator[Ask, bytes, None]] | None = None
