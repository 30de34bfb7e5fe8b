"""What a reading, a silence or a sensor says, and whether that is something new. Unknown is absent: no change. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from engine.alert.change import CONTACT_TEXTS, Change, Sight, Subject, What
from engine.formats.snapshot import ERROR_TEXTS
from engine.model import Reading, Value
from engine.settings import Limits

HYSTERESIS_C = 1.0
"""So far above its limit a temperature must be again before it is in order (formats guide, section 3)."""
SUBJECTS_MOST = 5000
"""So many are remembered; then those that were seen longest ago go."""


class Watch:
    """Remembers how each subject was seen last, by its key; `states` is what an earlier run remembered."""

    def __init__(self, states: Mapping[str, Sight] | None = None) -> None:
        self.states: dict[str, Sight] = dict(states or {})

    def take(self, sights: Iterable[Sight], at: datetime | None) -> list[Change]:
        """What is new in these sights. What is normal when it is seen for the first time is no news.

        The last sight is remembered whether or not it is new: its text has the value of now.
        """
        changes = []
        for sight in sights:
            is_news = self.is_news(sight)
            before = self.states.pop(sight.subject.key, None)
            self.states[sight.subject.key] = sight
            if is_news:
                changes.append(Change(sight, before.value if before else "", at))
        while len(self.states) > SUBJECTS_MOST:
            del self.states[next(iter(self.states))]
        return changes

    def is_news(self, sight: Sight) -> bool:
        """Whether this sight is another one than the last."""
        before = self.states.get(sight.subject.key)
        return before.value != sight.value if before else not sight.normal

    def forget(self, device: str) -> None:
        """Nothing is known under this key any more: the device has another one."""
        for key in [key for key, sight in self.states.items() if sight.subject.device == device]:
            del self.states[key]

    def is_alarming(self, subject: Subject) -> bool:
        """Whether it was not in order when it was seen last."""
        seen = self.states.get(subject.key)
        return seen is not None and not seen.normal

    def alarms(self) -> list[Sight]:
        """All that is not in order now."""
        return [sight for sight in self.states.values() if not sight.normal]

    def errors(self, device: str, systems: int) -> list[str]:
        """Digits of the errors of each system, `-` where nothing is known."""
        subjects = (Subject(device, What.ERRORS, number) for number in range(1, systems + 1))
        return [seen.value if (seen := self.states.get(subject.key)) else "-" for subject in subjects]


def error_sights(device: str, reading: Reading) -> Iterator[Sight]:
    """The errors of each system whose errors are known."""
    for number, system in enumerate(reading.systems, 1):
        digits = _digits(system.get("Err"))
        if digits is not None:
            yield Sight(Subject(device, What.ERRORS, number), digits, digits == "0", _error_text(number, digits))


def inferred_errors(reading: Reading, told: Reading) -> tuple[str, ...]:
    """Errors of each system that follow from its time counters; empty where the meter tells them itself."""
    systems = zip(reading.systems, told.systems, strict=False)
    return tuple("" if "Err" in own else _digits(shown.get("Err")) or "" for shown, own in systems)


def with_inferred(reading: Reading, before: Sequence[str]) -> Reading:
    """The reading with the errors `before` it in each system whose errors are known.

    A counter that goes in steps stands still between two of them: one reading without growth ends no error.
    """
    systems = list(reading.systems)
    for place, digits in enumerate(before[: len(systems)]):
        now = _digits(systems[place].get("Err"))
        if now is not None and digits:
            systems[place] = {**systems[place], "Err": now + digits}
    return replace(reading, systems=tuple(systems))


def temperature_sights(device: str, reading: Reading, limits: Limits, watch: Watch) -> Iterator[Sight]:
    """Each control temperature (#110) that is known: below it, or in order again when it is well above it."""
    for number, channel, least in limits.t_min:
        value = measured(reading, number, f"T{channel}")
        if value is None:
            continue
        subject = Subject(device, What.TEMPERATURE, number, f"T{channel}")
        below = value < least + (HYSTERESIS_C if watch.is_alarming(subject) else 0.0)
        told = _temperature_text(value, least, below=below)
        yield Sight(subject, str(int(below)), not below, f"система {number}: T{channel} {value:.2f} °C, {told}")


def _temperature_text(value: float, least: float, *, below: bool) -> str:
    if value < least:
        return f"ниже контрольной {least:.2f} °C"
    return f"почти в норме, контрольная {least:.2f} °C" if below else f"в норме, контрольная {least:.2f} °C"


def contact_sights(device: str, reading: Reading, limits: Limits) -> Iterator[Sight]:
    """The control sensors (#111) that the meter itself tells; one that a file tells is not looked for here."""
    for place, wanted, source in (("SW1", limits.sw1, limits.sw1_source), ("SW2", limits.sw2, limits.sw2_source)):
        for number, system in enumerate(reading.systems, 1) if wanted and not source else ():
            letter = system.get(place)
            if letter in CONTACT_TEXTS:
                yield contact_sight(Subject(device, What.CONTACT, number, place), str(letter), wanted)


def contact_sight(subject: Subject, letter: str, wanted: str) -> Sight:
    """A control sensor whose state is `letter`, `O` or `K`, and should be `wanted`."""
    normal = letter == wanted
    told = "норма" if normal else f"норма {CONTACT_TEXTS[wanted]}"
    of_system = f"система {subject.system}: " if subject.system else ""
    text = f"{of_system}датчик контроля {subject.place[2:]}: {CONTACT_TEXTS[letter]}, {told}"
    return Sight(subject, letter if normal else f"{letter}!", normal, text)


def link_sight(device: str, reason: str = "") -> Sight:
    """A device that answers; with a `reason` one that does not."""
    subject = Subject(device, What.LINK)
    return Sight(subject, "0", False, f"не на связи: {reason}") if reason else Sight(subject, "1", True, "на связи")


def silence_sight(device: str, limit_s: float, *, silent: bool) -> Sight:
    """A device without a reading for longer than `limit_s`, or one that has readings."""
    told = f"нет показаний дольше {duration_text(limit_s)}" if silent else "показания есть"
    return Sight(Subject(device, What.SILENCE), str(int(silent)), not silent, told)


def duration_text(seconds: float) -> str:
    """`24 ч`, `90 мин`, `45 с`."""
    if seconds >= 7200:
        return f"{seconds / 3600:g} ч" if seconds % 3600 == 0 else f"{seconds / 3600:.1f} ч"
    return f"{seconds / 60:.0f} мин" if seconds >= 120 else f"{seconds:.0f} с"


def measured(reading: Reading, system: int, key: str) -> float | None:
    """A value of a system that is a number and is known."""
    value = reading.systems[system - 1].get(key) if system <= len(reading.systems) else None
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _digits(errors: Value) -> str | None:
    """None for what is not known, or is no digits."""
    text = "" if errors is None else str(errors)
    if not text.isascii() or not text.isdigit():
        return None
    return "".join(sorted(set(text) - {"0"})) or "0"


def _error_text(number: int, digits: str) -> str:
    if digits == "0":
        return f"система {number}: ошибок нет"
    told = "; ".join(f"ошибка {digit}, {ERROR_TEXTS.get(digit, 'неизвестная')}" for digit in digits)
    return f"система {number}: {told}"
