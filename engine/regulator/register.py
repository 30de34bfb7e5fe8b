"""What a device tells of the register that a regulator writes: read back by the template, if that maps it."""

from __future__ import annotations

from engine.model import Reading
from engine.settings.regulator import RAW_MAX
from engine.template.modbus_map import HOLDING_REGISTERS, Point, Template
from engine.template.units import FILE_UNIT

_WHOLE = (0, 16)


def held(template: Template | None, register: int, reading: Reading) -> int | None:
    """The number in the register by this reading; None when the template does not name it, or it is not known."""
    for point in template.points if template else ():
        if _is_plain(point, register):
            values = reading.systems[point.system - 1] if point.system else reading.device
            value = values.get(point.key)
            if isinstance(value, int | float):
                return round((value - point.offset) / point.cells[0].scale) & RAW_MAX
    return None


def is_mapped(template: Template | None, register: int) -> bool:
    """Whether the template names this register as a plain number."""
    return any(_is_plain(point, register) for point in (template.points if template else ()))


def _is_plain(point: Point, register: int) -> bool:
    if len(point.cells) != 1 or point.unit != FILE_UNIT:
        return False
    cell = point.cells[0]
    is_number = cell.kind in ("uint", "int") and cell.count == 1 and cell.bits == _WHOLE
    return is_number and cell.function == HOLDING_REGISTERS and cell.address == register and cell.scale != 0
