"""Memory map of ТЭМ-104-К. Used by `tem_104k`.

Source: exchange protocol of ТЭМ-104-К in two editions, for firmware below 2.08 and from 2.08 (2013-11-01 /
2018-03-15). Numbers are big-endian. Offsets of `MEMORY` are addresses, those of `RECORD` are inside a record.
"""

from __future__ import annotations

from drivers.tem_ring import Region
from drivers.tem_states import DT, FAULT, POWER, SETTINGS, TOO_LITTLE, TOO_MUCH, Bit, Kind
from engine.codec import Field
from engine.model import RecType

# --- EEPROM, command 0F01: address and length of each piece ---------------------------------------------

SETTINGS_PIECE = (0x0000, 0x38)
POINTERS_PIECE = (0x0094, 0x0D)
INTEGRATORS_PIECE = (0x0140, 0x30)
SERIAL_SIZE = 7

MEMORY = {
    "diameter": Field(0x0008, "C", 1, "index"),
    "G max": Field(0x0009, "F", 1, "m³/h"),
    "type": Field(0x0018, "C"),
    "programmed pressures": Field(0x0026, "F", 2, "MPa"),
    "programmed T2": Field(0x0034, "F", 1, "°C"),
    "last day": Field(0x0096, "I"),
    "last event": Field(0x009A, "I"),
    "last hour": Field(0x009F, "I"),
    "V integer": Field(0x0140, "L", 1, "m³"),
    "V fraction": Field(0x0144, "F", 1, "m³"),
    "M integer": Field(0x0148, "L", 1, "t"),
    "M fraction": Field(0x014C, "F", 1, "t"),
    "Q integer": Field(0x0150, "L", 1, "Gcal"),
    "Q fraction": Field(0x0154, "F", 1, "Gcal"),
    "Tgood": Field(0x0168, "L", 1, "s"),
    "Terr": Field(0x016C, "L", 1, "s"),
}

# --- RAM, command 0C01 -----------------------------------------------------------------------------------

FLOW_PIECE = (0x00B4, 0x04)
TEMPERATURES_PIECE = (0x0108, 0x08)

# --- clock, command 0F02: second, minute, hour, weekday, day, month, year, BCD ----------------------------

CLOCK_PIECE = (0x00, 0x07)

# --- archive, command 0F03 with a 16-bit address ----------------------------------------------------------

RECORD_SIZE = 0x30
RECORD = {
    "Q integer": Field(0x04, "L", 1, "Gcal"),
    "Q fraction": Field(0x08, "F", 1, "Gcal"),
    "amount integer": Field(0x0C, "L", 1, "t or m³"),
    "amount fraction": Field(0x10, "F", 1, "t or m³"),
    "T": Field(0x14, "F", 2, "°C"),
    "Tgood": Field(0x1C, "L", 1, "0.01 h"),
    "Terr": Field(0x20, "L", 1, "0.01 h"),
}
POWERED_TIME = (0x1C, 0x08)

EVENT_SLOT = 0x10
EVENT_DATE_SIZE = 5
"""Minute, hour, day, month, year in BCD."""

HOURLY = (2, 8)
"""Firmware from this one on keeps hours; its records and events have another form."""

REGIONS = (
    Region(RecType.HOUR, 0, 800), Region(RecType.DAY, 800, 400), Region(RecType.MONTH, 1200, 12),
    Region(RecType.EVENT, 0xE34, 460),
)  # fmt: skip
REGIONS_BEFORE_HOURLY = (
    Region(RecType.DAY, 0, 400), Region(RecType.MONTH, 512, 12), Region(RecType.EVENT, 0x800, 1000),
)  # fmt: skip
"""Places are addresses / 48 of records and addresses / 16 of events."""
LAST = {RecType.HOUR: "last hour", RecType.DAY: "last day", RecType.EVENT: "last event"}

# --- what the numbers mean --------------------------------------------------------------------------------

SYSTEM_TYPES = {1: "Подача", 2: "Обратка", 3: "Тупиковая ГВС"}
DEAD_END = 3
DIAMETERS_MM = {0: 15, 1: 20}
EVENT_BITS = (
    Bit(0x001, FAULT, "питание", sys=POWER, kind=Kind.UNCLEAR),
    Bit(0x002, FAULT, "возбуждение: обрыв или КЗ", "1"),
    Bit(0x004, FAULT, "датчик 1"),
    Bit(0x008, FAULT, "датчик 2"),
    Bit(0x010, DT, "T1 - T2 меньше минимума"),
    Bit(0x020, FAULT, "нет теплоносителя", "1"),
    Bit(0x040, SETTINGS, "настройки изменены с клавиатуры", kind=Kind.AT_ONCE),
    Bit(0x080, FAULT, "низкое напряжение питания", sys=POWER),
    Bit(0x100, TOO_LITTLE, "G меньше минимума", "1"),
    Bit(0x200, TOO_MUCH, "G больше максимума", "1"),
    Bit(0x400, FAULT, "ошибка часов"),
    Bit(0x800, SETTINGS, "архив сброшен", kind=Kind.AT_ONCE),
)
BITS_BEFORE_HOURLY = 0x07E
BITS_OF_SYSTEM = 0x33E
