"""What emulated meters of the ТЭМ-104М generation are like: ТЭМ-104М and М2, and ТЭМ-104М-1."""

from __future__ import annotations

from dataclasses import dataclass

from drivers.emulated.tem_options import DAY, HOUR, MONTH, Options, System, channel_names, check_common

MOST_SYSTEMS = 4
EVENT_RINGS = ((0xFA780, 1200), (0xD3680, 2500), (0xDD2C0, 2500), (0xE6F00, 2500), (0xF0B40, 2500))
"""Address and count: the device, systems 1 to 4."""
MODELS = ("tem104m",)
_RINGS = {HOUR: (0, 1600), DAY: (1600, 800), MONTH: (2400, 60)}
_NO_RINGS = {HOUR: (0, 1), DAY: (1, 1), MONTH: (2, 1)}
_OPEN = System(0xB, 0b0011, 0b0111, 0b0111)
_SUPPLY = System(0x3, 0b0100, 0b0011, 0b0011)
_SYSTEMS = (_OPEN, _SUPPLY, System(0x0, 0b1000, 0b0000, 0b0000), System(0x1, 0b1000, 0b1000, 0b1000))


@dataclass(frozen=True, slots=True)
class ModernOptions(Options):
    """A ТЭМ-104М. `events` are there already in the rings of the device and of systems 1 to 4.

    `current_at_zero`: the current values of system 1 are at 0 of RAM, as public drivers have it, not at 4000h.
    """

    model: str = "tem104m"
    commas: tuple[int, ...] = (0,) * 6
    energy_unit: str = "Gcal"
    events: tuple[int, ...] = (0,) * 5
    current_at_zero: bool = False

    def __post_init__(self) -> None:
        if len(self.events) != len(EVENT_RINGS) or not all(
            0 <= number <= count for number, (_, count) in zip(self.events, EVENT_RINGS, strict=True)
        ):
            raise ValueError("событий: от 0 до 1200 у прибора и от 0 до 2500 у каждой из четырёх систем")
        check_common(self, MOST_SYSTEMS, channel_names(4, 4, 4))

    @property
    def id_bytes(self) -> bytes:
        return b"TEM-104M" if self.identity is None else self.identity

    @property
    def serial_number(self) -> int:
        return 1040515 if self.serial is None else self.serial

    @property
    def flash_size_kb(self) -> int:
        return 1024

    @property
    def system_list(self) -> tuple[System, ...]:
        return self.systems if isinstance(self.systems, tuple) else _SYSTEMS[: self.systems or 3]

    @property
    def used(self) -> tuple[int, int, int]:
        return 0b1111, 0b1111, 0b1111

    @property
    def rings(self) -> dict[str, tuple[int, int]]:
        return _RINGS


@dataclass(frozen=True, slots=True)
class SmallOptions(Options):
    """A ТЭМ-104М-1: one supply system. Of its archive nothing is known, so it keeps none that can be read."""

    model: str = "tem104m1"
    commas: tuple[int, ...] = (0,) * 6
    energy_unit: str = "Gcal"
    current_at_4000: bool = False

    def __post_init__(self) -> None:
        check_common(self, 1, channel_names(2, 2, 1))

    @property
    def id_bytes(self) -> bytes:
        return b"TEM-104M-1" if self.identity is None else self.identity

    @property
    def serial_number(self) -> int:
        return 1041203 if self.serial is None else self.serial

    @property
    def flash_size_kb(self) -> int:
        return 1

    @property
    def system_list(self) -> tuple[System, ...]:
        return (System(0x3, 0b1, 0b11, 0b11),)

    @property
    def used(self) -> tuple[int, int, int]:
        return 0b1, 0b11, 0b11

    @property
    def rings(self) -> dict[str, tuple[int, int]]:
        return _NO_RINGS
