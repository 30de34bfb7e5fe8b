"""What emulated meters of the first ТЭМ-104 generation are like: ТЭМ-104, the older ТЭМ-106, ТЭМ-104-1."""

from __future__ import annotations

from dataclasses import dataclass

from drivers.emulated.tem_options import DAY, HOUR, MONTH, Options, System, channel_names, check_common

MOST_SYSTEMS = 4
STRIDES = (0x19, 0x20, 0x40)
_RINGS = {HOUR: (0, 1536), DAY: (1536, 368), MONTH: (1904, 144)}
_IDENTITIES = {"tem104": (b"TEM-104", 104123), "tem106-old": (b"TEM-106", 106007)}
MODELS = tuple(_IDENTITIES)
_OPEN = System(0xA, 0b0011, 0b0111, 0b0111)
_METER_M = System(0x1, 0b0100, 0b1000, 0b1000)
_METER_V = System(0x0, 0b1000, 0b0000, 0b0000)
_SYSTEMS = {
    1: (_OPEN,),
    2: (_OPEN, _METER_M),
    3: (_OPEN, _METER_M, _METER_V),
    4: (System(0x2, 0b0001, 0b0001, 0b0001), System(0x1, 0b0010, 0b0010, 0b0010), _METER_M, _METER_V),
}


@dataclass(frozen=True, slots=True)
class LegacyOptions(Options):
    """A ТЭМ-104. `stride` is the distance between the set-ups of its systems.

    `turned_sums`: the sums of records have every bit turned, as one document has it. The scaling codes
    of the newer meters mean nothing here.
    """

    model: str = "tem104"
    commas: tuple[int, ...] = (0,) * 6
    energy_unit: str = "Gcal"
    stride: int = 0x19
    turned_sums: bool = False

    def __post_init__(self) -> None:
        if self.model not in MODELS:
            raise ValueError(f"нет модели {self.model}; есть {', '.join(MODELS)}")
        if self.stride not in STRIDES:
            raise ValueError(f"расстояние между системами: {', '.join(map(str, STRIDES))}")
        check_common(self, MOST_SYSTEMS, channel_names(4, 4, 4))

    @property
    def id_bytes(self) -> bytes:
        return _IDENTITIES[self.model][0] if self.identity is None else self.identity

    @property
    def serial_number(self) -> int:
        return _IDENTITIES[self.model][1] if self.serial is None else self.serial

    @property
    def flash_size_kb(self) -> int:
        return 512

    @property
    def system_list(self) -> tuple[System, ...]:
        return self.systems if isinstance(self.systems, tuple) else _SYSTEMS[self.systems or 2]

    @property
    def used(self) -> tuple[int, int, int]:
        return 0b1111, 0b1111, 0b1111

    @property
    def rings(self) -> dict[str, tuple[int, int]]:
        return _RINGS


@dataclass(frozen=True, slots=True)
class SingleOptions(Options):
    """A ТЭМ-104-1: one system of a type from 0 to 7."""

    model: str = "tem104-1"
    commas: tuple[int, ...] = (0,) * 6
    energy_unit: str = "Gcal"
    system_type: int = 3

    def __post_init__(self) -> None:
        if not 0 <= self.system_type <= 7:
            raise ValueError("тип системы: от 0 до 7")
        if not 0 <= self.serial_number <= 9999999:
            raise ValueError("заводской номер: от 0 до 9999999")
        check_common(self, 1, channel_names(2, 2, 1))

    @property
    def id_bytes(self) -> bytes:
        return b"TEM104-1" if self.identity is None else self.identity

    @property
    def serial_number(self) -> int:
        return 104321 if self.serial is None else self.serial

    @property
    def flash_size_kb(self) -> int:
        return 128

    @property
    def system_list(self) -> tuple[System, ...]:
        sensors = (0b00, 0b01, 0b01)[self.system_type] if self.system_type < 3 else 0b11
        return (System(self.system_type, 0b1, sensors, sensors),)

    @property
    def used(self) -> tuple[int, int, int]:
        return 0b1, 0b11, 0b11

    @property
    def rings(self) -> dict[str, tuple[int, int]]:
        return _RINGS
