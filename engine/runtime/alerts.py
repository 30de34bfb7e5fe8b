"""Alerts: every change is kept as an event and told in the journal, and what is new goes to people in one report."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence

from engine import naming
from engine.alert.book import Book
from engine.alert.change import Change, Sight, What, events_of
from engine.alert.damping import Damping
from engine.alert.memory import Memory, Unkept
from engine.alert.notice import Titled
from engine.alert.pending import Pending
from engine.alert.watching import Watch, link_sight, silence_sight
from engine.due import Moment
from engine.formats.status import moment_text
from engine.keeper import Keeper
from engine.keeper.showing import shown_type
from engine.model import Event
from engine.news import Contact, Missed, News
from engine.reasons import why
from engine.runtime.alert_reports import AlertReports
from engine.runtime.alert_sights import Senses
from engine.runtime.event_archive import keep_events
from engine.runtime.part import House, Part
from engine.runtime.postman import Postman
from engine.settings import DeviceSettings, Settings

LOOK_S = 1.0
DISK_PAUSE_S = 10.0
EVENTS_MOST = 1000
"""So many events wait for a disk that takes nothing; then the oldest go."""
UNSTAMPED_MOST = 200


class Alerts(Part):
    """`postman.spool` is where SMS are handed over; whoever sends them sets it. `clock` is monotonic."""

    title = "Оповещения"

    def __init__(self, house: House, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(house)
        self._clock = clock
        self._book = Book(house.root, house.journal)
        self.postman = Postman(house, self._book)
        self._memory: Memory | None = None
        self._watch = Watch()
        self._damping = Damping()
        self._senses = Senses(self._watch)
        self._reports: AlertReports | None = None
        self._settings: Settings | None = None
        self._to_tell: list[str] = []
        self._unstamped: list[tuple[Moment, Change]] = []
        self._lost: set[str] = set()
        self._doubled: frozenset[str] = frozenset()
        self._dirty = False
        self._hold_s = self._looked_s = -math.inf
        self._problem = ""

    # --- what the agent calls

    def apply(self, settings: Settings, now_s: float) -> None:
        """Watch and tell by these settings from now on."""
        if self._memory is None:
            self._load(now_s)
        self._settings = settings
        self._doubled = _doubled(keeper.settings for keeper in self.house.devices.all())
        self._senses.apply(settings, now_s)
        self.postman.apply(settings.agent, now_s)
        self._forget_unwatched()

    def take(self, news: News) -> None:
        """A reading, or a device that is lost."""
        keeper = self.house.devices.keepers.get(news.file) if isinstance(news, Contact | Missed) else None
        if keeper is None or self.house.lines.worker_of(keeper.settings.file) is None:
            return
        if isinstance(news, Contact) and news.settings == keeper.settings:
            self._meet(keeper, news)
        elif isinstance(news, Missed) and news.lost:
            self._see([link_sight(self._key(keeper), news.reason)])

    def tick(self, now_s: float) -> None:
        """Look at sensors and silences, keep what is new, send what is due."""
        if self._memory is None or self._settings is None or self._reports is None:
            return
        if now_s - self._looked_s >= LOOK_S:
            self._looked_s = now_s
            self._look(now_s, self._settings.agent.alert_silence_s)
        self._stamp(now_s)
        if now_s >= self._hold_s:
            try:
                self._keep()
                self._dirty |= self._reports.tick_month(self._memory, self._settings.agent, now_s)
                self._dirty |= self._reports.tick_errors(self._memory, self._settings.agent, now_s)
                self._save()
                self._problem = ""
            except OSError as error:
                self._hold_s = now_s + DISK_PAUSE_S
                self._note_problem(f"оповещения не записаны: {why(error)}; повтор каждые {DISK_PAUSE_S:.0f} с")
        if not self._dirty:  # a notice that leaves is one that nobody makes again after a restart
            self.postman.tick(now_s)

    def tell_crash(self, thread: str, now_s: float) -> None:
        self.postman.tell_crash(thread, now_s)

    def stop(self) -> None:
        self.postman.stop()
        if self._memory is not None:
            try:
                self._keep()
                self._book.save(self._memory)
            except OSError as error:
                self._note_problem(f"оповещения не записаны: {why(error)}")

    def lines(self) -> Sequence[str]:
        if self._memory is None or self._settings is None or not self._settings.agent.mail:
            return ["выключены (Mail=0)"]
        found = self.postman.lines()
        if self._memory.pending:
            found.append(f"накоплено изменений для отчета: {self._memory.pending.changes}")
        if self._memory.reported:
            found.append(f"последний отчет об ошибках составлен {moment_text(self._memory.reported)}")
        return found

    def warnings(self) -> Sequence[str]:
        return [*filter(None, [self._problem]), *self._senses.problems, *self.postman.warnings()]

    # --- what is seen

    def _meet(self, keeper: Keeper, news: Contact) -> None:
        assert self._memory is not None, "settings are applied before anybody is polled"
        file, unknown = keeper.settings.file, f"@{keeper.settings.file}"
        reading = keeper.reading if keeper.shelf is not None and file not in self._doubled else None
        key = keeper.dev_number if reading is not None else unknown
        if reading is not None:
            titled = Titled(shown_type(keeper.settings, news.identity), key, len(reading.systems))
            if self._memory.titles.get(key) != titled or self._memory.numbers.get(file) != key:
                self._memory.name(file, key, titled)
                self._dirty = True
                self._see(self._senses.recovered(unknown))
                self._watch.forget(unknown)
                self._forget_unwatched()
        self._see(self._senses.of_reading(key, keeper.settings, reading or news.reading, news.reading, self._clock()))

    def _look(self, now_s: float, silence_s: int) -> None:
        polled = self.house.devices.polled()
        resting = {keeper.settings.file for keeper in self.house.devices.all()} - {
            each.settings.file for each in polled
        }
        self._senses.rest(resting, now_s)
        for keeper in polled:
            key = self._key(keeper)
            self._see(self._senses.contacts.look(key, keeper.settings.limits))
            if self._senses.is_silent(keeper.settings.file, now_s):
                self._see([silence_sight(key, silence_s, silent=True)])

    def _see(self, sights: Iterable[Sight]) -> None:
        passed = self._damping.passed(sights, self._watch.is_news, self._clock())
        for change in self._watch.take(passed, self.house.now()):
            self._take_note(change)

    def _take_note(self, change: Change) -> None:
        assert self._memory is not None and self._settings is not None
        self._dirty = True
        title = self._title(change.subject.device)
        if self._settings.agent.mail:
            self._memory.pending.add(change, title)
        if not self._is_told_by_keeper(change):
            self._to_tell.append(f"{title}: {change.sight.text}")
        if change.at is None:
            self._unstamped = [*self._unstamped, (Moment(self._clock()), change)][-UNSTAMPED_MOST:]
        else:
            self._note_events(change)

    def _note_events(self, change: Change) -> None:
        assert self._memory is not None
        archive, name = change.subject.device, ""
        if change.subject.is_of_device_file or self._is_foreign(archive):
            archive, name = naming.AGENT_NUMBER, f"{self._title(archive)}: "
        for event in events_of(change):
            named = Event(event.stamp, {**event.values, "Text": f"{name}{event.values['Text']}"})
            self._memory.events.append(Unkept(archive, named))
        del self._memory.events[:-EVENTS_MOST]

    def _is_foreign(self, number: str) -> bool:
        """Whether the archive of this number belongs to another meter than the one that answers."""
        for keeper in self.house.devices.all():
            if keeper.dev_number == number and keeper.shelf is not None and keeper.reading is not None:
                return keeper.shelf.ledger.meter_number not in ("", keeper.reading.meter_number)
        return False

    def _stamp(self, now_s: float) -> None:
        """What happened before anybody knew the time gets its stamp by the first clock that can be believed."""
        now = self.house.now() if self._unstamped else None
        if now is not None:
            for moment, change in self._unstamped:
                self._note_events(Change(change.sight, change.before, moment.when(now, now_s)))
            self._unstamped, self._dirty = [], True

    # --- what is kept

    def _load(self, now_s: float) -> None:
        try:
            self._memory, self.postman.notices = self._book.load(self.house.now())
            self._dirty = bool(self.postman.notices)
        except OSError as error:
            self._memory = Memory()
            self._note_problem(f"оповещения: прежнее состояние не читается: {why(error)}")
        self._watch.states = self._memory.states
        self._reports = AlertReports(self.house, self._watch, self.postman, now_s)
        self._reports.resume(self._memory, now_s)

    def _save(self) -> None:
        """The state with its events is on the disk before anything is told of it: a restart tells nothing twice."""
        if self._dirty and self._memory is not None:
            self._book.save(self._memory)
            self._dirty = False

    def _keep(self) -> None:
        assert self._memory is not None
        self._save()
        told, self._to_tell = self._to_tell, []
        for text in told:
            self.house.journal(text)
        if self._memory.events:
            keep_events(self._memory, self.house.devices, self._name())

    def _forget_unwatched(self) -> None:
        assert self._memory is not None and self._settings is not None
        self._senses.forget_unwatched({device.file: self._key_of(device.file) for device in self._settings.devices})
        if not self._settings.agent.mail and self._memory.pending:
            self._memory.pending, self._dirty = Pending(), True

    def _note_problem(self, text: str) -> None:
        if text != self._problem:
            self.house.journal(text)
        self._problem = text

    # --- names

    def _key(self, keeper: Keeper) -> str:
        return self._key_of(keeper.settings.file)

    def _key_of(self, file: str) -> str:
        """How a device is known: by the number that names its files, by its settings file while that is unknown.

        So is one whose number an earlier file has: what it says is not of that device.
        """
        assert self._memory is not None
        if file in self._doubled:
            return f"@{file}"
        keeper = self.house.devices.keepers.get(file)
        number = (keeper.dev_number if keeper else "") or self._memory.numbers.get(file, "")
        return number if naming.is_dev_number(number) else f"@{file}"

    def _title(self, key: str) -> str:
        assert self._memory is not None
        titled = self._memory.titles.get(key)
        return titled.text if titled else f"прибор {key[1:]}" if key.startswith("@") else f"№{key}"

    def _name(self) -> str:
        return self._settings.agent.name if self._settings else ""

    def _is_told_by_keeper(self, change: Change) -> bool:
        """A device that goes off line, and one that comes back and was lost in this very run."""
        if change.subject.what is not What.LINK:
            return False
        known = not change.sight.normal or change.subject.device in self._lost
        (self._lost.discard if change.sight.normal else self._lost.add)(change.subject.device)
        return known


def _doubled(devices: Iterable[DeviceSettings]) -> frozenset[str]:
    """Files that name the number of an earlier one, as `Claims` has it."""
    taken: set[str] = set()
    found: set[str] = set()
    for device in sorted(devices, key=lambda device: device.file):
        number = device.dev_number.casefold()
        if device.enabled and number:
            found |= {device.file} if number in taken else set()
            taken.add(number)
    return frozenset(found)
