"""`[regulator]` of a device file: a valve that follows the flow or pressure of a meter (manual 5.1, 6.1)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.dialect import device_types
from engine.dialect.key import Key
from engine.dialect.kinds import Kind, choice, flag, number, or_empty, whole

if TYPE_CHECKING:
    from engine.settings import DeviceSettings
    from engine.settings.keyed import Keyed

SECTION = "regulator"
AUTO, HOLD, MANUAL = "auto", "hold", "manual"
SINGLE, SEVERAL = 6, 16
"""The functions of Modbus that write registers."""
RAW_MAX = 0xFFFF
DEAD_BAND_SHARE = 0.01
_SOURCE = re.compile(r"([0-9A-Za-z]{1,20})\.(S[1-9][0-9]?)([A-Za-z]\w{0,19})", re.ASCII)
_REGISTER = re.compile(r"0[xX][0-9a-fA-F]{1,4}|[0-9]{1,5}")


@dataclass(frozen=True, slots=True)
class Source:
    """A value of a meter: its DevNumber, the number of the system, the key without the system."""

    dev_number: str
    system: int
    key: str

    def __str__(self) -> str:
        return f"{self.dev_number}.S{self.system}{self.key}"


@dataclass(frozen=True, slots=True)
class RegulatorSettings:
    """The meaning of each field stands in `KEYS`. Output in its own units, durations in seconds; None is not given."""

    enabled: bool = False
    source: Source | None = None
    setpoint: float | None = None
    mode: str = AUTO
    output: float | None = None
    response: float | None = None
    lag_s: float = 10.0
    delay_s: float = 5.0
    dead_band: float | None = None
    output_min: float = 0.0
    output_max: float = 100.0
    rate_per_s: float = 1.0
    period_s: int = 10
    max_age_s: int = 180
    safe_output: float | None = None
    register: int | None = None
    function: int = SINGLE
    scale: float = 1.0

    @property
    def band(self) -> float:
        """The dead band in units of the measurement."""
        return abs(self.setpoint or 0.0) * DEAD_BAND_SHARE if self.dead_band is None else self.dead_band

    def raw(self, output: float) -> int:
        """What stands in the register for an output: the nearest number, halves up."""
        return int(output / self.scale + 0.5)


NO_REGULATOR = RegulatorSettings()
"""What stands in the settings of a device that regulates nothing."""


def _take_source(text: str) -> object:
    found = _SOURCE.fullmatch(text)
    if found is None:
        raise ValueError
    return Source(found[1], int(found[2][1:]), found[3])


def _take_register(text: str) -> object:
    if _REGISTER.fullmatch(text) is None or int(text, 0 if text[:2].lower() == "0x" else 10) > RAW_MAX:
        raise ValueError
    return int(text, 0 if text[:2].lower() == "0x" else 10)


def _take_function(text: str) -> object:
    if text not in ("6", "16"):
        raise ValueError
    return int(text)


_MEASURE = (-999999, 999999)
_OUTPUT = or_empty(number(0, 999999), None)

KEYS = (
    Key(SECTION, "Enabled", "0", flag(), "enabled", "регулятор расхода или давления"),
    Key(SECTION, "Source", "", or_empty(Kind("DevNumber прибора, точка, ключ: 440020.S1G1", _take_source), None),
        "source", "какое показание какого прибора поддерживать"),
    Key(SECTION, "Setpoint", "", or_empty(number(*_MEASURE), None), "setpoint",
        "желаемое значение, в единицах показания"),
    Key(SECTION, "Mode", AUTO, choice(AUTO, HOLD, MANUAL), "mode",
        "auto = регулировать, hold = ничего не менять, manual = выход задан в Output"),
    Key(SECTION, "Output", "", _OUTPUT, "output", "выход для manual; в auto с него начинать, если выход неизвестен"),
    Key(SECTION, "Response", "", or_empty(number(*_MEASURE), None), "response",
        "на сколько меняется показание, когда выход больше на 1; меньше 0, если показание падает"),
    Key(SECTION, "Lag", "10", number(0.1, 86400, "с"), "lag_s",
        "за сколько показание проходит две трети своего изменения, без запаздывания"),
    Key(SECTION, "Delay", "5", number(0, 86400, "с"), "delay_s", "запаздывание: когда показание начинает меняться"),
    Key(SECTION, "DeadBand", "", or_empty(number(0, 999999), None, "1 % от Setpoint"), "dead_band",
        "зона нечувствительности: ближе к Setpoint выход не меняется"),
    Key(SECTION, "OutputMin", "0", number(0, 999999), "output_min", "наименьший выход"),
    Key(SECTION, "OutputMax", "100", number(0, 999999), "output_max", "наибольший выход"),
    Key(SECTION, "Rate", "1", number(0.001, 999999), "rate_per_s", "на сколько выход меняется за секунду, не больше"),
    Key(SECTION, "Period", "10", whole(1, 86400, "с"), "period_s",
        "шаг регулирования; чаще, чем приходят показания, шагов нет"),
    Key(SECTION, "MaxAge", "180", whole(1, 86400, "с"), "max_age_s", "показание старше этого не действует"),
    Key(SECTION, "Safe", "", or_empty(number(0, 999999), None, "оставить как есть"), "safe_output",
        "выход, когда показания нет"),
    Key(SECTION, "Register", "", or_empty(Kind("регистр хранения, 0–65535 или 0x…", _take_register), None), "register",
        "куда записывать выход, для DevType=Modbus; пусто = только вычислять и показывать"),
    Key(SECTION, "Function", "6", Kind("6 или 16", _take_function), "function", "функция Modbus для записи"),
    Key(SECTION, "Scale", "1", number(0.001, 999999), "scale", "сколько выхода в единице регистра: 0.1, 1"),
)  # fmt: skip


def check_regulator(taken: Keyed, device: DeviceSettings) -> None:
    """What an enabled regulator needs, and what its keys say together."""
    own = device.regulator
    if not own.enabled or not taken.sound(SECTION, *(key.name for key in KEYS)):
        return
    needed = {"Source": own.source, **_needed_for(own)}
    if missing := [name for name, value in needed.items() if value is None]:
        taken.tell(SECTION, "Enabled", f"для регулятора нужны {', '.join(missing)} в [{SECTION}]")
    if own.response == 0:
        taken.tell(SECTION, "Response", "Response не может быть 0")
    if own.output_min >= own.output_max:
        taken.tell(SECTION, "OutputMin", "OutputMin должен быть меньше OutputMax")
    for name, value in (("Output", own.output), ("Safe", own.safe_output)):
        if value is not None and not own.output_min <= value <= own.output_max:
            taken.tell(SECTION, name, f"{name} вне пределов OutputMin и OutputMax")
    _check_register(taken, device, own)


def _needed_for(own: RegulatorSettings) -> dict[str, float | None]:
    if own.mode == AUTO:
        return {"Setpoint": own.setpoint, "Response": own.response}
    return {"Output": own.output} if own.mode == MANUAL else {}


def _check_register(taken: Keyed, device: DeviceSettings, own: RegulatorSettings) -> None:
    if own.register is None:
        return
    if device.dev_type != device_types.MODBUS:
        taken.tell(SECTION, "Register", "Register бывает только для DevType=Modbus: как записать в другие, неизвестно")
    if own.raw(own.output_max) > RAW_MAX:
        taken.tell(SECTION, "Scale", f"OutputMax / Scale больше {RAW_MAX}: не помещается в регистр")
