"""What an emulated meter of the 384-byte ТЭМ family is like: model, systems, memory, defects."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

HOUR, DAY, MONTH = "H", "D", "M"
LETTERS = (HOUR, DAY, MONTH)
CHANNELS = 6
"""Systems, flow channels and scaling codes: six of each (D106)."""


@dataclass(frozen=True, slots=True)
class System:
    """One system: its type (D106: 0 Подача, 5 Расходомер, 7 ГВС с циркуляцией…) and its channels.

    Channels are masks, bit 0 = channel 1.
    """

    kind: int
    flows: int
    temperatures: int
    pressures: int


@dataclass(frozen=True, slots=True)
class _Model:
    identity: bytes
    serial: int
    flash_kb: int
    systems: int
    programmed_pressures: bool


_MODELS = {
    "tesmart": _Model(b"TSM-104", 476721, 1024, 1, True),
    "tem106": _Model(b"TEM-106", 106042, 512, 3, False),
    "tesma106": _Model(b"TEM-106", 206042, 512, 3, False),
}
MODELS = tuple(_MODELS)
_SYSTEMS = (
    System(0, 0b000001, 0b0000011, 0b0000011),
    System(7, 0b000110, 0b0011100, 0b0001100),
    System(5, 0b001000, 0b0100000, 0b0010000),
    System(9, 0b000000, 0b1000000, 0b0000000),
    System(5, 0b010000, 0b0000000, 0b0100000),
    System(6, 0b100000, 0b0000000, 0b1000000),
)
_RINGS_512 = {HOUR: (0, 864), DAY: (864, 368), MONTH: (1232, 128)}
ENERGY_UNITS = {"MWh": 1.0, "Gcal": 1 / 1.163, "GJ": 3.6}


@dataclass(frozen=True, slots=True)
class Options:
    """An emulated meter; what is None is as usual for the model. Equal options make equal meters.

    `records` hour, day and report-date records are there already, made backwards from now.
    `next_places` is the place in each ring, from 0, that is written next; None: after the records,
    or anywhere when the ring is full. `gaps` are times without power. `empty` and `damaged` name
    places by archive and age, 0 = newest: ("H", 3). `nan` names channels: "T2", "P1", "G3".
    `reply_address` is what answers bear instead of `address`. `longest` bounds the bytes of one read.
    Total heat uses the scaling code of the first system: the documents name none.
    """

    model: str = "tesmart"
    serial: int | None = None
    address: int = 1
    systems: int | tuple[System, ...] | None = None
    programmed_pressures: bool | None = None
    flash_kb: int | None = None
    records: tuple[int, int, int] = (0, 0, 0)
    next_places: tuple[int, int, int] | None = None
    commas: tuple[int, ...] = (4, 4, 4, 4, 4, 4)
    energy_unit: str = "MWh"
    report_day: int = 1
    pointers: bool = True
    sums: bool = True
    gaps: tuple[tuple[datetime, datetime], ...] = ()
    empty: tuple[tuple[str, int], ...] = ()
    damaged: tuple[tuple[str, int], ...] = ()
    clock_valid: bool = True
    nan: tuple[str, ...] = ()
    identity: bytes | None = None
    reply_address: int | None = None
    longest: int = 255
    seed: int = 0

    def __post_init__(self) -> None:
        _check(self)

    @property
    def id_bytes(self) -> bytes:
        return _MODELS[self.model].identity if self.identity is None else self.identity

    @property
    def serial_number(self) -> int:
        return _MODELS[self.model].serial if self.serial is None else self.serial

    @property
    def flash_size_kb(self) -> int:
        return self.flash_kb or _MODELS[self.model].flash_kb

    @property
    def system_list(self) -> tuple[System, ...]:
        if isinstance(self.systems, tuple):
            return self.systems
        return _SYSTEMS[: self.systems or _MODELS[self.model].systems]

    @property
    def used(self) -> tuple[int, int, int]:
        """Masks of the flow, temperature and pressure sensors that measure; other channels are programmed."""
        flows = temperatures = pressures = 0
        for system in self.system_list:
            flows |= system.flows
            temperatures |= system.temperatures
            pressures |= system.pressures
        programmed = self.programmed_pressures
        if programmed is None:
            programmed = _MODELS[self.model].programmed_pressures
        return flows, temperatures, 0 if programmed else pressures

    @property
    def rings(self) -> dict[str, tuple[int, int]]:
        """First record number and count of each archive; 1024 KB hold the double of 512 KB."""
        factor = self.flash_size_kb // 512
        return {letter: (first * factor, count * factor) for letter, (first, count) in _RINGS_512.items()}


def _check(options: Options) -> None:
    """Raises ValueError with the first thing that cannot be."""
    if options.model not in _MODELS:
        raise ValueError(f"нет модели {options.model}; есть {', '.join(MODELS)}")
    if options.flash_size_kb not in (512, 1024):
        raise ValueError("память архивов: 512 или 1024 КБ")
    if len(options.commas) != CHANNELS or not set(options.commas) <= set(range(256)):
        raise ValueError("запятых шесть, от 0 до 255")
    check_common(options, CHANNELS, channel_names(7, 7, CHANNELS))


def check_common(options: Options, most_systems: int, channels: tuple[str, ...]) -> None:
    """What can be wrong in every family. Raises ValueError, in Russian."""
    asked = len(options.systems) if isinstance(options.systems, tuple) else options.systems
    for wrong, text in (
        (not 0 <= options.serial_number <= 0xFFFFFFFF, "заводской номер: от 0 до 4294967295"),
        (not 1 <= options.address <= 240, "сетевой адрес: от 1 до 240"),
        (asked is not None and not 1 <= asked <= most_systems, f"число систем: от 1 до {most_systems}"),
        (options.energy_unit not in ENERGY_UNITS, f"единица тепла: {', '.join(ENERGY_UNITS)}"),
        (not 1 <= options.report_day <= 31, "отчётный день: от 1 до 31"),
        (not set(options.nan) <= set(channels), f"канал: {', '.join(channels)}"),
        (any(start >= end for start, end in options.gaps), "отключение кончается раньше, чем началось"),
    ):
        if wrong:
            raise ValueError(text)
    _check_places(options)


def channel_names(temperatures: int, pressures: int, flows: int) -> tuple[str, ...]:
    counts = (("T", temperatures), ("P", pressures), ("G", flows))
    return tuple(f"{kind}{number + 1}" for kind, count in counts for number in range(count))


def _check_places(options: Options) -> None:
    counts = dict(zip(LETTERS, options.records, strict=True))
    for letter, (_, size) in options.rings.items():
        if not 0 <= counts[letter] <= size:
            raise ValueError(f"записей {letter}: от 0 до {size}")
    for letter, age in options.empty + options.damaged:
        if letter not in counts or not 0 <= age < counts[letter]:
            raise ValueError(f"записи {letter} с возрастом {age} нет")
    for letter, place in zip(LETTERS, options.next_places or (), strict=options.next_places is not None):
        if not 0 <= place < options.rings[letter][1]:
            raise ValueError(f"место {place} вне архива {letter}")
