"""A map of Modbus registers as a template file tells it, parsed: what to read, and what each value means. Frozen."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.template.units import FILE_UNIT, Unit

COILS, DISCRETE_INPUTS, HOLDING_REGISTERS, INPUT_REGISTERS = 1, 2, 3, 4
"""The functions that read, by their numbers in the protocol."""


@dataclass(frozen=True, slots=True)
class Cell:
    """Neighbouring registers, or one bit, that hold one number or text.

    `address` is the first place as it stands on the wire, `count` how many places there are. `kind` is one of
    `uint int float bcd bits text bit`. `order` tells where on the wire each byte of the number stands, the most
    significant byte first: (2, 3, 0, 1) is CDAB. `bits` are the lowest bit and the number of bits.
    What equals a marker, raw in `na_raw` or as a number in `na_numbers`, is not available.
    """

    function: int
    address: int
    count: int
    kind: str
    order: tuple[int, ...] = ()
    bits: tuple[int, int] = (0, 16)
    scale: float = 1.0
    na_raw: frozenset[int] = frozenset()
    na_numbers: frozenset[float] = frozenset()

    @property
    def end(self) -> int:
        """The place behind the last one."""
        return self.address + self.count


@dataclass(frozen=True, slots=True)
class Point:
    """One value of the snapshot: the sum of its cells, `+ offset`, converted by `unit`.

    `system` is 0 for a key of the device. `unit` None: heat in the unit that the device file or the
    template names. `limits` are the least and the greatest number that can be true, before conversion.
    `status`: a register that is 0 while the value is valid.
    `extra`: a key that the manual has not got, written with at most `digits` decimals; `total`: it runs.
    """

    key: str
    system: int
    cells: tuple[Cell, ...]
    offset: float = 0.0
    unit: Unit | None = FILE_UNIT
    limits: tuple[float, float] | None = None
    status: Cell | None = None
    extra: bool = False
    digits: int = 3
    total: bool = False

    @property
    def reads(self) -> tuple[Cell, ...]:
        """Everything that is to be read for this value."""
        return self.cells if self.status is None else (*self.cells, self.status)

    @property
    def name(self) -> str:
        """The key as it stands in the files: `S1T1`."""
        return f"S{self.system}{self.key}" if self.system else self.key


@dataclass(frozen=True, slots=True)
class Template:
    """A device that is known by its registers; points in the order of their file."""

    name: str
    manufacturer: str = ""
    model: str = ""
    source: str = ""
    max_hole: int = 8
    max_registers: int = 125
    pause_s: float = 0.02
    energy_unit: str = "Gcal"
    points: tuple[Point, ...] = field(default=())

    @property
    def systems(self) -> int:
        """How many systems the points speak of."""
        return max((point.system for point in self.points), default=0)

    @property
    def totals(self) -> frozenset[str]:
        """Keys of running totals that the manual has not got, without their system."""
        return frozenset(point.key for point in self.points if point.total)
