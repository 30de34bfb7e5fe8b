"""What is remembered between two runs, as the text of `var/alerts/state.json`. Pure."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any

from engine.alert.change import Sight, Subject, What
from engine.alert.notice import ERRORS, REPORT, Notice, Titled
from engine.alert.pending import News, Pending
from engine.model import Event

VERSION = 1
DEVICES_MOST = 1000
"""So many are remembered; then those that came longest ago go."""


@dataclass(frozen=True, slots=True)
class Unkept:
    """An event that is to be in the archive `archive` (the number of a device, or the agent's)."""

    archive: str
    event: Event


@dataclass
class Memory:
    """`numbers` tells the number of a device by its file, `titles` how a device is called by its number.

    `next` is the number of the next notice; `reported` the moment of the last error report and `mailed` the report
    day that was mailed last, both None before the first.
    """

    states: dict[str, Sight] = field(default_factory=dict)
    numbers: dict[str, str] = field(default_factory=dict)
    titles: dict[str, Titled] = field(default_factory=dict)
    pending: Pending = field(default_factory=Pending)
    events: list[Unkept] = field(default_factory=list)
    next: int = 1
    reported: datetime | None = None
    mailed: date | None = None

    def name(self, file: str, number: str, titled: Titled) -> None:
        """The device of a settings file has this number and is called so."""
        self.numbers.pop(file, None)
        self.titles.pop(number, None)
        self.numbers[file], self.titles[number] = number, titled
        while len(self.titles) > DEVICES_MOST:
            del self.titles[next(iter(self.titles))]
        while len(self.numbers) > DEVICES_MOST:
            del self.numbers[next(iter(self.numbers))]

    def settle(self, notices: list[Notice], now: datetime | None) -> None:
        """After a start: what was made into a notice is not pending any more, whenever the power went.

        Such a notice was made a moment before the end: the interval to the next one begins `now` at the latest.
        """
        highest = max((notice.number for notice in notices), default=0)
        for notice in notices:
            if notice.number >= self.next and notice.kind == ERRORS:
                self.pending, self.reported = Pending(), now
            elif notice.number >= self.next and notice.kind == REPORT:
                self.mailed = notice.day
        self.next = max(self.next, highest + 1)


def memory_text(memory: Memory) -> str:
    told = {
        "version": VERSION,
        "states": [_sight(sight) for sight in memory.states.values()],
        "numbers": memory.numbers,
        "titles": {key: asdict(titled) for key, titled in memory.titles.items()},
        "pending": asdict(memory.pending),
        "events": [[each.archive, each.event.stamp.isoformat(), dict(each.event.values)] for each in memory.events],
        "next": memory.next,
        "reported": memory.reported.isoformat() if memory.reported else None,
        "mailed": memory.mailed.isoformat() if memory.mailed else None,
    }
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def read_memory(text: str) -> Memory:
    """ValueError for anything that `memory_text` did not write."""
    try:
        return _memory(json.loads(text))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error


def notice_text(notice: Notice) -> str:
    return json.dumps(asdict(notice), ensure_ascii=False, indent=1)


def read_notice(text: str) -> Notice:
    """ValueError for anything that `notice_text` did not write."""
    try:
        told = json.loads(text)
        lists = {key: tuple(map(str, told[key])) for key in ("files", "done", "refused")}
        return Notice(**{**told, **lists})
    except (KeyError, TypeError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error


def _memory(told: Any) -> Memory:
    if told["version"] != VERSION:
        raise ValueError(f"version {told['version']}")
    pending = told["pending"]
    sights = [_read_sight(*each) for each in told["states"]]
    return Memory(
        states={sight.subject.key: sight for sight in sights},
        numbers=dict(told["numbers"]),
        titles={key: Titled(**titled) for key, titled in told["titles"].items()},
        pending=Pending(
            {key: News(**news) for key, news in pending["news"].items()}, pending["left_out"], pending["unnamed"]
        ),
        events=[Unkept(archive, Event(datetime.fromisoformat(at), values)) for archive, at, values in told["events"]],
        next=int(told["next"]),
        reported=datetime.fromisoformat(told["reported"]) if told["reported"] else None,
        mailed=date.fromisoformat(told["mailed"]) if told["mailed"] else None,
    )


def _sight(sight: Sight) -> list[object]:
    subject = sight.subject
    return [subject.device, subject.what, subject.system, subject.place, sight.value, sight.normal, sight.text]


def _read_sight(device: str, what: str, system: int, place: str, value: str, normal: bool, text: str) -> Sight:
    return Sight(Subject(device, What(what), system, place), value, normal, text)
