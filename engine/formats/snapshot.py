"""The snapshot of a device, `log/User/txt/<DevNumber>.txt` (formats guide, section 5; manual 11.4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from engine.formats import fields
from engine.formats.archive import read_record_fields, record_fields
from engine.formats.values import stamp_text
from engine.model import Record, RecType, Value, Values

ERROR_TEXTS: Mapping[str, str] = {
    "1": "расход меньше Gmin",
    "2": "расход больше Gmax",
    "3": "dT меньше dTmin",
    "4": "тех. неисправность",
}
"""The errors of a system in the manual's words (manual 10.2)."""


@dataclass(frozen=True, slots=True)
class SnapshotView:
    """All that a snapshot shows.

    `device` holds the keys of `[0]` without a system, Date and Time among them as `clock_values`
    gives them; a known key that it lacks stands with an empty value. `systems` holds current values and
    settings of each system: a channel that a mapping lacks is left out, None is an empty value.
    `extra` holds the agent's own keys, and `QUnit` unless it is Gcal. `hour` and `day` are the newest
    records; a section that has none is left out.
    """

    device: Values
    systems: tuple[Values, ...] = ()
    hour: Record | None = None
    day: Record | None = None
    extra: Values = field(default_factory=dict)


def snapshot_text(view: SnapshotView) -> str:
    """The whole file. Keys that the manual does not have follow its own, before the agent's."""
    device = {"NumSystems": len(view.systems), **view.device}
    numbered = [(f"S{number}", system) for number, system in enumerate(view.systems, 1)]
    parts = ["[0]\n", fields.listed(device, fields.DEVICE_KEYS, always=fields.DEVICE_KEYS)]
    parts += [fields.listed(system, fields.SYSTEM_KEYS, name, fields.SYSTEM_ALWAYS) for name, system in numbered]
    parts.append(fields.unlisted(device, fields.DEVICE_KEYS))
    parts += [fields.unlisted(system, fields.SYSTEM_KEYS, name) for name, system in numbered]
    parts.append(_extra_text(view.extra))
    parts += [f"[{number}]\n{record_fields(record)}" for number, record in _records(view)]
    return "".join(parts)


def read_snapshot(text: str) -> SnapshotView:
    """What a snapshot shows, of either variant. ValueError when `text` is none: a torn one is to be made anew.

    Records are known by their RecType, not by the number of their section.
    """
    sections = _sections(text)
    own, systems = fields.by_system(sections.pop("0"))
    records = [read_record_fields(section) for section in sections.values()]
    return SnapshotView(
        device={key: value for key, value in own.items() if key not in fields.EXTRA_KEYS},
        systems=systems,
        hour=_of_type(records, RecType.HOUR),
        day=_of_type(records, RecType.DAY),
        extra={key: value for key, value in own.items() if key in fields.EXTRA_KEYS},
    )


def offline(view: SnapshotView) -> SnapshotView:
    """The same device off line: nothing stale is shown as current.

    Measured values, Date, Time and ErrText are empty and Online is 0; settings, the moment of the last
    reading and both records stay.
    """
    return replace(
        view,
        device={**view.device, "Date": None, "Time": None},
        systems=tuple(_without_measured(system) for system in view.systems),
        extra={**view.extra, "Online": 0, "ErrText": None},
    )


def clock_values(clock: datetime | None, prefix: str = "") -> dict[str, Value]:
    """`Date` and `Time` of an instant; with the prefix `Read` those of the last reading. None is empty."""
    day, time = stamp_text(clock).split(" ") if clock else (None, None)
    return {f"{prefix}Date": day, f"{prefix}Time": time}


def error_numbers(active: Iterable[int]) -> str:
    """`Err` of a system: the active errors in rising order without a separator, `0` for none (B5)."""
    return "".join(str(number) for number in sorted(set(active))) or "0"


def error_text(systems: Sequence[Values]) -> str:
    """`ErrText` of all systems: which errors are active, and where if there are several systems."""
    told = [(number, _spelt(system.get("Err"))) for number, system in enumerate(systems, 1)]
    if len(systems) == 1:
        return told[0][1]
    return "; ".join(f"S{number}: {text}" for number, text in told if text)


def _spelt(err: Value) -> str:
    digits = "" if err is None else str(err)
    return ", ".join(ERROR_TEXTS.get(digit, f"ошибка {digit}") for digit in digits if digit != "0")


def _extra_text(extra: Values) -> str:
    whole = {"QUnit": "Gcal", **extra}
    return fields.listed(whole, fields.EXTRA_KEYS, always=fields.EXTRA_KEYS) + fields.unlisted(whole, fields.EXTRA_KEYS)


def _records(view: SnapshotView) -> list[tuple[int, Record]]:
    return [(number, record) for number, record in ((1, view.hour), (2, view.day)) if record]


def _of_type(records: Iterable[Record], rec_type: RecType) -> Record | None:
    return next((record for record in records if record.rec_type is rec_type), None)


def _without_measured(system: Values) -> dict[str, Value]:
    return {key: value if key in fields.SYSTEM_FACTS else None for key, value in system.items()}


def _sections(text: str) -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[str]] = {}
    lines: list[str] | None = None
    for line in text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n"):
        if line.startswith("[") and line.endswith("]"):
            lines = found.setdefault(line[1:-1], [])
        elif lines is not None:
            lines.append(line)
        elif line.strip():
            raise ValueError(f"a line before the first section: {line!r}")
    if "0" not in found:
        raise ValueError("no section [0]")
    return {name: fields.pairs(lines) for name, lines in found.items()}
