"""Memory map of ТЭМ-104М and М2. Used by `tem_104m`.

Source: exchange protocol of ТЭМ-104М, 2018-09-12 / 2018-10-09; the order of bytes from public drivers.
Numbers are little-endian. Offsets of `DEVICE`, `SYSTEM`, `CHANNEL`, `CURRENT` and `RECORD` are inside
their own piece of memory.
"""

from __future__ import annotations

from drivers.tem_ring import Region
from drivers.tem_states import DT, FAULT, INPUT_OUTPUT, POWER, REVERSE, SETTINGS, TOO_LITTLE, TOO_MUCH, Bit, Kind
from engine.codec import Field, Order
from engine.model import RecType

ORDER: Order = "little"

# --- parameter memory, command 0F01: address and length of each piece ---------------------------------

DEVICE_PIECE = (0x0000, 0x18)
SYSTEM_PIECES = ((0x0080, 0x2B), (0x00CD, 0x2C), (0x011A, 0x2B), (0x0167, 0x2C))
"""The beginnings of areas of 77 bytes. Neighbours differ in length."""
CHANNEL_PIECE = (0x0480, 0x2D)
INTEGRATOR_PIECE = (0x0800, 0xF0)
WHOLE_PARTS = (0x0808, 0x30)
"""The integer parts of V, M and Q inside the integrators."""
POINTERS_OF_LEGACY = (0x00F4, 0x0C)

DEVICE = {"serial": Field(0x00, "L"), "systems": Field(0x04, "C")}
SYSTEM = {
    "type": Field(0x00, "C"),
    "flow channels": Field(0x05, "C", 4),
    "dt min": Field(0x27, "C", 1, "°C"),
}
CHANNEL = {
    "diameter": Field(0x00, "I", 4, "index or mm"),
    "G max": Field(0x08, "F", 4, "m³/h"),
    "upper limit": Field(0x18, "C", 4, "1 % of G max"),
    "lower limit": Field(0x1C, "F", 4, "1 % of G max"),
}

# --- clock, command 0F02 --------------------------------------------------------------------------------

CLOCK_PIECE = (0x00, 0x06)
"""Second, minute, hour, day, month, year - 2000: plain binary."""

# --- RAM, command 0C01: what a system measures now ------------------------------------------------------

CURRENT_BASES = (0x4000, 0x0000)
"""Where the structure of system 1 is by the document, and where public drivers read it."""
CURRENT_PLACES = (0x4000, 0x4073, 0x40E6, 0x4159)
CURRENT_SIZE = 0x73
CURRENT = {
    "T": Field(0x00, "F", 4, "°C"),
    "P": Field(0x10, "F", 4, "MPa"),
    "density": Field(0x20, "F", 4),
    "Gv": Field(0x40, "F", 4, "m³/h"),
    "G": Field(0x50, "F", 4, "t/h"),
    "tekerr": Field(0x70, "C"),
    "teherr": Field(0x71, "I"),
}

# --- archive, command 0F03; the integrators at 0800 have the form of a record ---------------------------

RECORD_SIZE = 0x160
RECORD = {
    "made": Field(0x000, "L"),
    "period": Field(0x004, "L"),
    "V integer": Field(0x008, "L", 4, "m³"),
    "M integer": Field(0x018, "L", 4, "t"),
    "Q1 integer": Field(0x028, "L", 4, "Gcal"),
    "Q2 integer": Field(0x038, "L", 4, "Gcal"),
    "V fraction": Field(0x048, "F", 4, "m³"),
    "M fraction": Field(0x058, "F", 4, "t"),
    "Q1 fraction": Field(0x068, "F", 4, "Gcal"),
    "Q2 fraction": Field(0x078, "F", 4, "Gcal"),
    "Tall": Field(0x098, "L", 1, "s"),
    "Tgood": Field(0x0A0, "L", 4, "s"),
    "Tmin": Field(0x0B0, "L", 4, "s"),
    "Tmax": Field(0x0C0, "L", 4, "s"),
    "Tdt": Field(0x0D0, "L", 4, "s"),
    "Terr": Field(0x0E0, "L", 4, "s"),
    "tekerr": Field(0x110, "C", 4),
    "teherr": Field(0x114, "I", 4),
    "temperatures": Field(0x11C, "I", 12, "0.01 °C"),
    "pressures": Field(0x134, "C", 12, "0.01 MPa"),
}
POWERED_TIME = (0x94, 0x08)
"""Powered time with the number before it: not as many bytes as the stamp, which is asked for just before."""

LONGEST_STEP_S = {RecType.HOUR: 86_400, RecType.DAY: 8 * 86_400, RecType.MONTH: 160 * 86_400}
"""Neighbouring records lie no farther apart: a period, a clock that was set, a few damaged places between them."""

RECORD_REGIONS = (Region(RecType.HOUR, 0, 1600), Region(RecType.DAY, 1600, 800), Region(RecType.MONTH, 2400, 60))
"""Places are numbers of records of 352 bytes from the start of the flash."""

EVENT_SIZE = 0x10
EVENT = {"made": Field(0x00, "L"), "before": Field(0x04, "L"), "after": Field(0x08, "L")}
EVENT_REGIONS = (
    Region(RecType.EVENT, 0xFA78, 1200),
    Region(RecType.EVENT, 0xD368, 2500),
    Region(RecType.EVENT, 0xDD2C, 2500),
    Region(RecType.EVENT, 0xE6F0, 2500),
    Region(RecType.EVENT, 0xF0B4, 2500),
)
"""The device, then systems 1 to 4. Places are addresses / 16, so no two rings share one."""

# --- what the numbers mean ------------------------------------------------------------------------------

SYSTEM_TYPES = (
    ("Расходомер V", 1, 0, 0), ("Расходомер M", 1, 1, 1), ("Магистраль", 1, 1, 1), ("Подача", 1, 2, 2),
    ("Обратка", 1, 2, 2), ("Холод", 1, 2, 2), ("Тупиковая ГВС", 1, 2, 2), ("Подпитка НСО", 1, 2, 2),
    ("Подпитка источника", 1, 2, 2), ("Тепло/Холод", 2, 2, 2), ("Подача + Р", 2, 2, 2), ("Открытая", 2, 3, 3),
    ("ГВС с рециркуляцией", 2, 3, 3), ("Источник", 3, 3, 3), ("Р-подача + Подпитка", 3, 2, 2), ("НСО", 3, 3, 3),
)  # fmt: skip
"""By the type byte: name, number of flows, pressures, temperatures."""
HEAT_AND_COLD = 9
"""The type whose second heat integrator is the cold; elsewhere it is the heat counted during errors."""

DIAMETERS_MM = (15, 25, 32, 40, 50, 80, 100, 150)
TIMES = ("Tgood", "Tmin", "Tmax", "Tdt", "Terr")
TEKERR_BITS = (("1", 0b00000111), ("2", 0b00111000), ("3", 0b11000000))
"""Manual's number of an error, bits of tekerr: G < min, G > max, Δt. Any bit of teherr is error 4."""

SYSTEM_BITS = (
    Bit(0x1, FAULT, "датчик T1: обрыв или КЗ"),
    Bit(0x2, FAULT, "датчик T2: обрыв или КЗ"),
    Bit(0x4, FAULT, "датчик T3: обрыв или КЗ"),
    Bit(0x8, DT, "разность температур меньше минимума"),
    *(Bit(0x10 << n, TOO_LITTLE, f"G{n + 1} меньше минимума", str(n + 1)) for n in range(3)),
    *(Bit(0x80 << n, TOO_MUCH, f"G{n + 1} больше максимума", str(n + 1)) for n in range(3)),
    *(Bit(0x400 << n, FAULT, f"нет теплоносителя в канале {n + 1}", str(n + 1)) for n in range(3)),
    *(Bit(0x2000 << n, FAULT, f"возбуждение канала {n + 1}", str(n + 1)) for n in range(2)),
    *(Bit(0x8000 << n, FAULT, f"датчик P{n + 1}") for n in range(3)),
    Bit(0x40000, REVERSE, "обратный поток"),
)
DEVICE_BITS = (
    Bit(0x1, FAULT, "нет питания", sys=POWER),
    Bit(0x2, FAULT, "нет питания", sys=POWER, kind=Kind.IS_OVER),
    Bit(0x4, SETTINGS, "изменены общие настройки", kind=Kind.AT_ONCE),
    Bit(0x10, INPUT_OUTPUT, "аварийный вход"),
    *(Bit(0x20 << n, INPUT_OUTPUT, f"дискретный выход по порогу, бит {n + 5}") for n in range(16)),
    Bit(0x200000, SETTINGS, "изменены настройки каналов", kind=Kind.AT_ONCE),
    *(Bit(0x400000 << n, SETTINGS, f"изменены настройки системы {n + 1}", kind=Kind.AT_ONCE) for n in range(4)),
    Bit(0x4000000, SETTINGS, "изменены настройки дискретных входов и выходов", kind=Kind.AT_ONCE),
    Bit(0x8000000, SETTINGS, "изменены дата или время", kind=Kind.AT_ONCE),
    Bit(0x10000000, SETTINGS, "изменены настройки Ethernet", kind=Kind.AT_ONCE),
)
