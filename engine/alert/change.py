"""What may change, and one change of it; as the events that are kept of it (formats guide, section 6). Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from engine.formats.values import stamp_fits
from engine.model import Event, Value

SOURCE = "agent"
CONTACT_TEXTS = {"O": "ОБР", "K": "КЗ"}
"""The states of a control sensor as events show them (#204)."""


class What(StrEnum):
    """What a subject is about."""

    ERRORS = "errors"
    LINK = "link"
    SILENCE = "silence"
    TEMPERATURE = "temperature"
    FORECAST = "forecast"
    CONTACT = "contact"


CODES = {What.CONTACT: 7, What.LINK: 8, What.TEMPERATURE: 9, What.SILENCE: 80, What.FORECAST: 90}
"""`Code` of an event; errors have their own digits. Joined digits rise, so 80 and 90 are never two codes in one."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One thing that is watched. `device` is the number that names its files, or `@` and its settings file.

    `system` counts from 1, 0 is the device; `place` is a channel or sensor: `T1`, `SW2`.
    """

    device: str
    what: What
    system: int = 0
    place: str = ""

    @property
    def key(self) -> str:
        return f"{self.device}/{self.what}/{self.system}/{self.place}"

    @property
    def is_of_device_file(self) -> bool:
        """Whether the number of the device is not known."""
        return self.device.startswith("@")


@dataclass(frozen=True, slots=True)
class Sight:
    """A subject as it is now. `value` tells states apart; `text` is for people, without the name of the device."""

    subject: Subject
    value: str
    normal: bool
    text: str


@dataclass(frozen=True, slots=True)
class Change:
    """A sight that differs from the one before; `before` is empty when there was none.

    `at` is local time by the agent's clock, None while that is not to be believed.
    """

    sight: Sight
    before: str
    at: datetime | None

    @property
    def subject(self) -> Subject:
        return self.sight.subject


def events_of(change: Change) -> Iterator[Event]:
    """What is kept of a change; nothing without a stamp. Of errors one event for all that ended, one for all new."""
    if change.at is None or not stamp_fits(change.at):
        return
    stamp, subject = change.at.replace(microsecond=0, tzinfo=None), change.subject
    if subject.what is not What.ERRORS:
        own = _contact_values(change.sight)
        yield _event(stamp, change, CODES[subject.what], not change.sight.normal, own)
        return
    before, now = _digits(change.before), _digits(change.sight.value)
    for digits, began in ((before - now, False), (now - before, True)):
        if digits:
            yield _event(stamp, change, int("".join(sorted(digits))), began, {})


def _event(stamp: datetime, change: Change, code: int, began: bool, own: dict[str, Value]) -> Event:
    said: dict[str, Value] = {"Sys": change.subject.system, "Code": code, "State": int(began), "Source": SOURCE}
    return Event(stamp, {**own, **said, "Text": change.sight.text})


def _contact_values(sight: Sight) -> dict[str, Value]:
    if sight.subject.what is not What.CONTACT:
        return {}
    return {sight.subject.place: CONTACT_TEXTS.get(sight.value[:1])}


def _digits(errors: str) -> set[str]:
    return set(errors) - {"0"}
