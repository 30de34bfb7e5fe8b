"""What the main thread does with the news of one device: its snapshot, its archive, its line in `status.txt`."""

from __future__ import annotations

from pathlib import Path

from engine import naming
from engine.archive.findings import Finding
from engine.archive.growth import with_errors
from engine.formats.archive import Head
from engine.keeper.errand import Errand
from engine.keeper.orders import Orders
from engine.keeper.own_archive import OwnArchive
from engine.keeper.shelf import Shelf
from engine.keeper.shelving import catchup_of, shelve
from engine.keeper.showing import archive_head, snapshot_view
from engine.keeper.snapshot_file import SnapshotFile
from engine.keeper.standing import Note, Standing
from engine.model import Entry, Reading, Record, RecType
from engine.news import Archived, Contact, Missed
from engine.reasons import why
from engine.settings import DeviceSettings

HOLD_S = 10.0
"""After a failed write the archive waits so long before it is tried again."""
SYNC_PERIOD_S = 5.0
"""While a long archive is read it is synced so often: what is not yet synced would be read again."""


class Keeper:
    """Files of one device. Used by the main thread only; an `OSError` never leaves it."""

    def __init__(self, root: Path, settings: DeviceSettings, orders: Orders) -> None:
        self.settings = settings
        self.standing = Standing()
        self.dev_number = settings.dev_number
        self._root = root
        self._orders = orders
        self._shelf: Shelf | None = None
        self._head: Head | None = None
        self._snapshot: SnapshotFile | None = None
        self._own: OwnArchive | None = None
        self._reading: Reading | None = None
        self._errand: Errand | None = None
        self._walk = 0
        self._begun = False
        self._held_until_s: float | None = None
        self._synced_at_s = 0.0

    @property
    def shelf(self) -> Shelf | None:
        """The archive of this device, once its number is known."""
        return self._shelf

    @property
    def reading(self) -> Reading | None:
        """Current values, since its number is settled."""
        return self._reading

    @property
    def makes_records(self) -> bool:
        """Whether the device keeps no archive, so that the agent makes its records."""
        return self._own is not None

    # --- news

    def contact(self, news: Contact) -> None:
        """A reading: the snapshot is written, and on first contact the archive is begun."""
        if news.settings != self.settings:
            return  # the device as it was before its file was changed
        standing = self.standing
        if standing.online is False:
            self._orders.journal(f"{self._name()}: на связи")
        standing.online, standing.failures, standing.reason = True, 0, ""
        standing.read_at, standing.readings = self._orders.local(news.read_at), standing.readings + 1
        standing.doubts.update(news.reading.doubts)
        try:
            if self._settle_number(news):
                self._show(news)
                self._begin_archive(news)
                self._record(news)
        except OSError as error:
            self._note_archive(f"архив недоступен: {why(error)}")

    def missed(self, news: Missed) -> None:
        """A reading failed; when the device is lost its snapshot says so, once."""
        self.standing.failures, self.standing.reason = news.failures, news.reason
        self.standing.missed += 1
        if not news.lost:
            return
        if self.standing.online is not False:
            self._orders.journal(f"{self._name()}: не на связи, {news.reason}")
        self.standing.online = False
        self._end_walk()
        self._show_offline()

    def archived(self, news: Archived) -> None:
        """Archive places were read: they are stored, unless the catch-up has begun anew meanwhile."""
        if news.walk != self._walk:
            return
        self.standing.remaining, self.standing.total = news.remaining, news.total
        try:
            for finding in news.findings:
                self._take(finding)
        except OSError as error:
            self._hold(error)
        else:
            self.standing.caught_up = news.complete and self._errand is None
            self._note_archive("")
            self._go_on_errand(news)
            if self._shelf and self._shelf.is_anew():
                self.standing.caught_up = False
                self._resume()

    def tick(self, now_s: float) -> None:
        """Sync what was stored; after a failed write begin again when its pause is over."""
        if self._held_until_s == 0.0:
            self._held_until_s = now_s + HOLD_S
        elif self._held_until_s is not None and now_s >= self._held_until_s:
            self._resume()
        elif self._held_until_s is None and now_s - self._synced_at_s >= SYNC_PERIOD_S:
            self._synced_at_s = now_s
            self.sync()

    def sync(self) -> None:
        """Put on the disk what was stored."""
        try:
            if self._shelf:
                self._shelf.sync()
        except OSError as error:
            self._hold(error)

    def rest(self) -> None:
        """The device is polled no more: what it stored stays."""
        self.leave_number()
        self.standing = Standing()

    # --- the number, by which all files are named

    def leave_number(self) -> None:
        """Give up the files of this number; the next contact settles anew whose they are."""
        if self._shelf is None:
            return
        self.sync()
        self._end_walk()
        self._orders.drop_archive(self.settings.file)
        self._shelf = self._snapshot = self._reading = self._own = None

    def _settle_number(self, news: Contact) -> bool:
        number = self.settings.dev_number or news.reading.meter_number
        if self._shelf and number != self.dev_number:
            self.leave_number()
        self.standing.notes[Note.NUMBER] = self._number_obstacle(number)
        if self.standing.notes[Note.NUMBER]:
            self.leave_number()
            return False
        if self._shelf is None:
            self.dev_number = number
            self._shelf = Shelf(self._root, number, lambda text: self._orders.journal(f"{number}: {text}"))
            self._snapshot = SnapshotFile(self._root, number)
            if not news.has_archive:
                template = self.settings.template_map
                self._own = OwnArchive(self._shelf, self._snapshot, template.totals if template else frozenset())
        return True

    def _number_obstacle(self, number: str) -> str:
        if not naming.is_dev_number(number):
            return "номер прибора неизвестен: задайте DevNumber"
        holder = self._orders.claim(self.settings.file, number)
        return "" if holder == self.settings.file else f"номер {number} уже занят файлом {holder}: данные не пишутся"

    def _name(self) -> str:
        return self.dev_number or self.settings.file

    # --- snapshot

    def _show(self, news: Contact) -> None:
        assert self._snapshot is not None, "the number is settled"
        self._reading = with_errors(news.reading, self._reading)
        self._head = archive_head(self.settings, news.identity, self._reading, self.dev_number)
        read_at = self.standing.read_at
        self._snapshot.show(snapshot_view(self.settings, news.identity, self._reading, self.dev_number, read_at))
        self.standing.notes[Note.SNAPSHOT] = self._snapshot.problem

    def _show_newest(self, record: Entry) -> None:
        if self._snapshot and isinstance(record, Record) and record.rec_type in (RecType.HOUR, RecType.DAY):
            self._snapshot.show_newest(record)
            self.standing.notes[Note.SNAPSHOT] = self._snapshot.problem

    def _show_offline(self) -> None:
        snapshot = self._snapshot
        if snapshot is None and not self._number_obstacle(self.dev_number):
            snapshot = SnapshotFile(self._root, self.dev_number)
        if snapshot is not None:
            snapshot.go_offline()
            self.standing.notes[Note.SNAPSHOT] = snapshot.problem

    # --- archive

    def _begin_archive(self, news: Contact) -> None:
        if self._begun and not news.first:
            return
        self._end_walk()
        obstacle = self._archive_obstacle(news)
        self._note_archive(obstacle)
        self.standing.caught_up = False
        if not obstacle:
            self._send_catchup()
        self._begun = True

    def _end_walk(self) -> None:
        """What is still found by the walk that goes on now is not stored any more."""
        self._walk += 1
        self._begun, self._held_until_s = False, None

    def _archive_obstacle(self, news: Contact) -> str:
        number = news.reading.meter_number
        if news.archive_refusal:
            return f"архив не читается: {news.archive_refusal}"
        if self._shelf and not self._shelf.belongs_to(number):
            began_with = self._shelf.ledger.meter_number
            return (
                f"архив {self.dev_number} начат прибором {began_with}, отвечает прибор {number}: "
                "его записи не сохраняются, задайте ему свой DevNumber"
            )
        return ""

    def _record(self, news: Contact) -> None:
        """A device without an archive: the agent makes its records itself."""
        if self._own is None or self._reading is None or self._head is None or self._archive_obstacle(news):
            return
        try:
            stored = self._own.take(self._reading, self.standing.read_at, news.interval_s, self._head)
        except OSError as error:
            self._note_archive(f"архив не записан: {why(error)}")
            return
        self.standing.stored += stored
        if stored:
            self._note_archive("")

    def _send_catchup(self) -> None:
        if self._shelf is None:
            return
        self._walk += 1
        catchup = self._errand.begin() if self._errand else catchup_of(self._shelf)
        self._orders.begin_archive(self.settings.file, catchup, self._walk)

    def send(self, errand: Errand | None) -> None:
        """Read this of the archive from now on, at the next contact at the latest; None: what is missing, as ever."""
        self._errand = errand
        if self._begun and not self.standing.is_hindered:
            self._resume()

    def _go_on_errand(self, news: Archived) -> None:
        if self._errand:
            self._errand.remaining, self._errand.total = news.remaining, news.total
            self._errand.complete = news.complete
            if news.complete:
                self.send(None)

    def _resume(self) -> None:
        self._held_until_s = None
        try:
            self._send_catchup()
        except OSError as error:
            self._hold(error)

    def _take(self, finding: Finding) -> None:
        assert self._shelf and self._head, "an archive is read of a device that has answered"
        how = self._errand.shelve if self._errand else shelve
        shelved = how(self._shelf, finding, self._head, self._orders.event_date())
        self.standing.stored += shelved.kept
        self.standing.unsummed += shelved.kept and shelved.unsummed
        if shelved.newest:
            self._show_newest(shelved.newest)

    def _hold(self, error: OSError) -> None:
        """The disk takes nothing: polling goes on, the archive begins again from what is surely stored."""
        self._note_archive(f"архив не записан: {why(error)}; повтор каждые {HOLD_S:.0f} с")
        self._walk += 1
        self._held_until_s = 0.0
        self.standing.caught_up = False
        self._orders.drop_archive(self.settings.file)
        if self._shelf:
            self._shelf.forget_unsaved()

    def _note_archive(self, text: str) -> None:
        """A problem is told in the journal once, and when it is over."""
        before = self.standing.notes.get(Note.ARCHIVE, "")
        self.standing.notes[Note.ARCHIVE] = text
        if text != before:
            self._orders.journal(f"{self._name()}: {text or 'архив снова пишется'}")
