"""What is new since the last report, summed up: repeats are one line, a flood has an end. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.alert.change import Change
from engine.formats.status import moment_text

SUBJECTS_MOST = 200
DEVICES_NAMED_MOST = 20


@dataclass
class News:
    """One subject since the last report: how it is now, when that was seen, how often it changed, and since when."""

    device: str
    text: str
    normal: bool
    at: str
    times: int = 1
    since: str = ""


@dataclass
class Pending:
    """`left_out` counts changes that got no line of their own, `unnamed` the first of their devices."""

    news: dict[str, News] = field(default_factory=dict)
    left_out: int = 0
    unnamed: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.news or self.left_out)

    @property
    def changes(self) -> int:
        """How many there were in all."""
        return sum(each.times for each in self.news.values()) + self.left_out

    @property
    def devices(self) -> list[str]:
        """Keys of the devices that are concerned, in the order of their first change."""
        return list(dict.fromkeys(key.partition("/")[0] for key in self.news))

    def add(self, change: Change, device: str) -> None:
        """`device` is how people call it."""
        at = moment_text(change.at)
        before = self.news.get(change.subject.key)
        if before is None and len(self.news) >= SUBJECTS_MOST:
            self.left_out += 1
            if device not in self.unnamed and len(self.unnamed) < DEVICES_NAMED_MOST:
                self.unnamed.append(device)
            return
        times, since = (before.times + 1, before.since) if before else (1, at if change.at else "")
        self.news[change.subject.key] = News(device, change.sight.text, change.sight.normal, at, times, since)

    def lines(self, most: int) -> list[str]:
        """At most `most` of them, and one more for all the others."""
        shown = list(self.news.values())[:most]
        rest = list(self.news.values())[most:]
        lines = [_line(each) for each in shown]
        left_out = sum(each.times for each in rest) + self.left_out
        if left_out:
            names = list(dict.fromkeys([*(each.device for each in rest), *self.unnamed]))
            named = ", ".join(names[:DEVICES_NAMED_MOST]) + (" и другие" if len(names) >= DEVICES_NAMED_MOST else "")
            lines.append(f"и ещё изменений: {left_out}; приборы: {named}")
        return lines


def _line(news: News) -> str:
    if news.times == 1:
        return f"{news.at} {news.device}: {news.text}"
    since = f"с {news.since}" if news.since else "за это время"
    return f"{news.at} {news.device}: {news.text}; {since} менялось {news.times} {_times(news.times)}, сейчас так"


def _times(count: int) -> str:
    return "раза" if count % 10 in (2, 3, 4) and count % 100 not in (12, 13, 14) else "раз"
