"""A family of devices that is nothing but lists: dialogues, readings and rings as a test wants them."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field, replace
from datetime import datetime

from engine.dialogue import Ask, Condition, Driver, Fetched, Identity, Mark, Ring, Setup
from engine.errors import Refused
from engine.model import Reading, Record, RecType
from engine.settings import DeviceSettings, parse_device
from tests.fake.scripted_link import ask

CLOCK = datetime(2026, 11, 22, 9, 5)


@dataclass
class Toy:
    """What the device says. `refuses` makes the rings refuse; `asked` lists every request that was built."""

    number: str = "440020"
    device_type: str = "ТЕМ-104"
    values: dict[str, float | None] = field(default_factory=lambda: {"Q1": 1.0, "T1": 70.5})
    rings: tuple[Ring, ...] = (Ring(RecType.HOUR, 0, 10, 3),)
    refuses: str = ""
    id_bytes: bytes = b"toy"
    asked: list[bytes] = field(default_factory=list)

    def _ask(self, request: bytes) -> Generator[Ask, bytes, bytes]:
        self.asked.append(request)
        return (yield ask(request))

    def ask_id(self, _setup: Setup) -> Generator[Ask, bytes, bytes]:
        return (yield from self._ask(b"id"))

    def open(self, _setup: Setup, _device_id: bytes) -> Generator[Ask, bytes, Identity]:
        yield from self._ask(b"open")
        return Identity("toy", self.device_type, self.number, None)

    def read(self, _setup: Setup, _identity: Identity) -> Generator[Ask, bytes, Reading]:
        yield from self._ask(b"read")
        return self.reading()

    def read_rings(self, _setup: Setup, _identity: Identity) -> Generator[Ask, bytes, tuple[Ring, ...]]:
        yield from self._ask(b"rings")
        if self.refuses:
            raise Refused(self.refuses)
        return self.rings

    def fetch(self, _setup: Setup, _identity: Identity, ring: Ring, place: int) -> Generator[Ask, bytes, Fetched]:
        yield from self._ask(b"fetch %d" % place)
        return Fetched(Condition.GOOD, Record(ring.rec_type, CLOCK.replace(hour=place), ({"Q1": 1.0, "Tall": 5.0},)))

    def probe(self, _setup: Setup, _identity: Identity, _ring: Ring, place: int) -> Generator[Ask, bytes, Mark]:
        yield from self._ask(b"probe %d" % place)
        return Mark(CLOCK.replace(hour=place), 5.0)

    def reading(self) -> Reading:
        return Reading(self.number, CLOCK, {"SoftVer": "1"}, (dict(self.values),))

    def driver(self, **changed: object) -> Driver:
        whole = Driver(
            "toy", (self.device_type,), "Gcal", self.ask_id, lambda told: told == self.id_bytes, self.open, self.read,
            self.read_rings, self.probe, self.fetch,
        )  # fmt: skip
        return replace(whole, **changed)  # type: ignore[arg-type]


def device_settings(file: str = "a.ini", **changed: object) -> DeviceSettings:
    """Settings of one device on a serial port, as the user's file gives them."""
    settings, _ = parse_device(f"log/User/devices/{file}", "[device]\nPort=ttyS0\nDevType=ТЕМ-104\n")
    return replace(settings, **changed)  # type: ignore[arg-type]
