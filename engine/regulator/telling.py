"""How a regulator is told of: in `status.txt`, and in the agent's own snapshot by the manual's card (5.1, 6.1)."""

from __future__ import annotations

from dataclasses import dataclass

from engine.regulator.control import Sight
from engine.settings.regulator import RegulatorSettings

_MINUTES_S = 600.0


@dataclass(frozen=True, slots=True)
class View:
    """One regulator at this moment. `number` is its DevNumber, `output` None while it is not known.

    `doing` says what it does or why it does nothing, `failure` why the last output is not in the device.
    """

    file: str
    number: str
    own: RegulatorSettings
    sight: Sight
    output: float | None
    doing: str
    failure: str = ""


def line(view: View) -> str:
    """One line of `status.txt`."""
    own = view.own
    parts = [f"{own.source or 'Source не задан'}={_measured(view.sight)}"]
    parts += [f"желаемое {own.setpoint:g}"] if own.setpoint is not None else []
    parts.append(f"выход {'неизвестен' if view.output is None else number_text(view.output)}{_destination(own)}")
    parts.append(f"Mode={own.mode}")
    parts.append(view.doing)
    parts += [f"не записано: {view.failure}"] if view.failure else []
    return f"{view.file}: " + "; ".join(parts)


def facts(view: View, place: int) -> dict[str, str]:
    """What `0.txt` tells of the regulator number `place`. Unknown is empty."""
    own, source = view.own, view.own.source
    told = {
        "State": "Активирован",
        "DevNumber": view.number,
        "Source": str(source or ""),
        "Value": number_text(view.sight.measured),
        "Setpoint": number_text(own.setpoint),
        "Output": number_text(view.output),
        "Mode": own.mode,
    }
    return {f"Regulator{place}{key}": value for key, value in told.items()}


def number_text(value: float | None) -> str:
    """At most three decimals, as the files show a flow."""
    return "" if value is None else f"{value:.3f}".rstrip("0").rstrip(".")


def _measured(sight: Sight) -> str:
    if sight.measured is None or sight.age_s is None:
        return "нет показания"
    age = f"{sight.age_s:.0f} с" if sight.age_s < _MINUTES_S else f"{sight.age_s / 60:.0f} мин"
    return f"{number_text(sight.measured)} ({age} назад)"


def _destination(own: RegulatorSettings) -> str:
    return " (не записывается: Register не задан)" if own.register is None else f" в регистр {own.register}"
