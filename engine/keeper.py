"""What the main thread does with the news of one device: its snapshot, its archive, its line in `status.txt`."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from engine import files, naming
from engine.archive import Catchup, RingWalk
from engine.dialogue import Mark
from engine.findings import Damaged, Finding, Found, Healed, Newest, Passed
from engine.formats.archive import Head
from engine.formats.snapshot import SnapshotView, clock_values, error_text, offline, read_snapshot, snapshot_text
from engine.growth import with_errors
from engine.model import Entry, Reading, Record, RecType, Value
from engine.news import Archived, Contact, Missed
from engine.settings import DeviceSettings
from engine.store import Shelf

HOLD_S = 10.0
"""After a failed write the archive waits so long before it is tried again."""
SYNC_PERIOD_S = 5.0
"""While a long archive is read it is synced so often: what is not yet synced would be read again."""
SNAPSHOT_LIMIT = 1024 * 1024


class Orders(Protocol):
    """What a keeper may ask of the runtime and of the line of its device."""

    def claim(self, file: str, dev_number: str) -> str:
        """Take a number for a device file; returns the file that holds it, which may be another."""

    def begin_archive(self, file: str, catchup: Catchup, walk: int) -> None: ...

    def drop_archive(self, file: str) -> None: ...

    def journal(self, text: str) -> None: ...

    def event_date(self) -> str:
        """The order of dates in events, `ymd` or `dmy`, for archive files that begin now."""

    def local(self, moment: datetime) -> datetime | None:
        """The moment in the agent's zone; None while the agent's clock is not to be believed."""


@dataclass
class Standing:
    """How a device stands, for `status.txt`."""

    online: bool | None = None
    read_at: datetime | None = None
    reason: str = ""
    failures: int = 0
    note: str = ""
    remaining: int = 0
    total: int = 0
    caught_up: bool = False
    stored: int = 0
    unsummed: int = 0
    readings: int = 0
    doubts: Counter[str] = field(default_factory=Counter)


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
        self._view: SnapshotView | None = None
        self._reading: Reading | None = None
        self._newest: dict[RecType, Record] = {}
        self._walk = 0
        self._held_until_s: float | None = None
        self._synced_at_s = 0.0

    @property
    def shelf(self) -> Shelf | None:
        """The archive of this device, once its number is known."""
        return self._shelf

    # --- news

    def contact(self, news: Contact) -> None:
        """A reading: the snapshot is written, and on first contact the archive is begun."""
        standing = self.standing
        if standing.online is False:
            self._orders.journal(f"{self._name()}: на связи")
        standing.online, standing.failures, standing.reason = True, 0, ""
        standing.read_at, standing.readings = self._orders.local(news.read_at), standing.readings + 1
        standing.doubts.update(news.reading.doubts)
        if not self._settle_number(news):
            return
        self._reading = with_errors(news.reading, self._reading)
        self._view = self._make_view(news, self._reading)
        self._write_snapshot()
        if news.first:
            self._begin_archive(news)

    def missed(self, news: Missed) -> None:
        """A reading failed; when the device is lost its snapshot says so, once."""
        self.standing.failures, self.standing.reason = news.failures, news.reason
        if not news.lost:
            return
        if self.standing.online is not False:
            self._orders.journal(f"{self._name()}: не на связи, {news.reason}")
        self.standing.online = False
        self._walk += 1
        self._show_offline()

    def archived(self, news: Archived) -> None:
        """Archive places were read: they are stored, unless the catch-up has begun anew meanwhile."""
        if news.walk != self._walk or self._held_until_s is not None:
            return
        self.standing.remaining, self.standing.total = news.remaining, news.total
        self.standing.caught_up = news.complete
        try:
            for finding in news.findings:
                self._take(finding)
        except OSError as error:
            self._hold(error)

    def tick(self, now_s: float) -> None:
        """Sync what was stored; after a failed write begin again when its pause is over."""
        if self._held_until_s == 0.0:
            self._held_until_s = now_s + HOLD_S
        elif self._held_until_s is not None and now_s >= self._held_until_s:
            self._held_until_s = None
            self.standing.note = ""
            self._send_catchup()
        elif self._held_until_s is None and now_s - self._synced_at_s >= SYNC_PERIOD_S:
            self._synced_at_s = now_s
            self._sync()

    def close(self) -> None:
        """The device is no longer polled: what it stored stays, and is synced."""
        self._sync()

    def _sync(self) -> None:
        try:
            if self._shelf:
                self._shelf.sync()
        except OSError as error:
            self._hold(error)

    # --- the number, by which all files are named

    def _settle_number(self, news: Contact) -> bool:
        number = self.settings.dev_number or news.reading.meter_number
        if not naming.is_dev_number(number):
            self.standing.note = "номер прибора неизвестен: задайте DevNumber"
            return False
        holder = self._orders.claim(self.settings.file, number)
        if holder != self.settings.file:
            self.standing.note = f"номер {number} уже занят файлом {holder}: данные не пишутся"
            return False
        if number != self.dev_number or self._shelf is None:
            self.dev_number, self._reading, self._newest = number, None, {}
            self._shelf = Shelf(self._root, number, lambda text: self._orders.journal(f"{number}: {text}"))
        self.standing.note = ""
        return True

    def _name(self) -> str:
        return self.dev_number or self.settings.file

    # --- snapshot

    def _make_view(self, news: Contact, reading: Reading) -> SnapshotView:
        settings = self.settings
        type_ = news.identity.device_type if settings.dev_type == "auto" else settings.dev_type
        self._head = Head(type_, type_, self.dev_number, len(reading.systems))
        device: dict[str, Value] = {"DevName": type_, "DevType": type_, **reading.device, **clock_values(reading.clock)}
        device |= {"Connection": settings.connection, "Port": settings.port, "Baud": settings.baud, "Flats": 0}
        device |= {"NetAddr": settings.net_addr, "NetIP": settings.net_ip, "NetPort": settings.net_port}
        device |= {"DevNumber": self.dev_number, "NumSystems": len(reading.systems)}
        own: dict[str, Value] = {"DevName": type_, "DevType": type_, "DevNumber": self.dev_number}
        extra: dict[str, Value] = {"MeterNumber": reading.meter_number, "Online": 1}
        extra |= {**clock_values(self.standing.read_at, "Read"), "ErrText": error_text(reading.systems)}
        return SnapshotView(device, tuple({**own, **system} for system in reading.systems), extra=extra)

    def _write_snapshot(self) -> None:
        if self._view is None:
            return
        view = SnapshotView(
            self._view.device,
            self._view.systems,
            self._newest.get(RecType.HOUR, self._view.hour),
            self._newest.get(RecType.DAY, self._view.day),
            self._view.extra,
        )
        try:
            path = self._root / naming.snapshot_path(self.dev_number)
            files.write_whole(path, snapshot_text(view).encode(), synced=False)
        except OSError as error:
            self.standing.note = f"показания не записаны: {error.strerror}"

    def _show_offline(self) -> None:
        """Also of a snapshot that an earlier run left: nothing stale is shown as current."""
        if self._view is None and naming.is_dev_number(self.dev_number):
            self._view = self._left_snapshot()
        if self._view is not None:
            self._view = offline(self._view)
            self._write_snapshot()

    def _left_snapshot(self) -> SnapshotView | None:
        try:
            path = self._root / naming.snapshot_path(self.dev_number)
            return read_snapshot(files.read_limited(path, SNAPSHOT_LIMIT).decode())
        except (OSError, ValueError):
            return None  # none there, or torn: it is made anew at the next contact

    # --- archive

    def _begin_archive(self, news: Contact) -> None:
        self.standing.note = self._archive_obstacle(news)
        self.standing.caught_up = bool(self.standing.note)
        if not self.standing.note:
            self._held_until_s = None
            self._send_catchup()

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

    def _send_catchup(self) -> None:
        if self._shelf is None:
            return
        self._walk += 1
        walks = {kind: self._walk_of(self._shelf, kind) for kind in RecType}
        self._orders.begin_archive(self.settings.file, Catchup(walks), self._walk)

    def _walk_of(self, shelf: Shelf, rec_type: RecType) -> RingWalk:
        def known(mark: Mark) -> bool:
            return shelf.has(rec_type, mark)

        damaged = shelf.ledger.damaged.get(rec_type)
        walk = RingWalk(shelf.ledger.cursors.get(rec_type), None if shelf.is_empty(rec_type) else known, damaged)
        walk.retry_damaged()
        return walk

    def _take(self, finding: Finding) -> None:
        shelf = self._shelf
        assert shelf is not None, "an archive is read of a device whose number is known"
        if isinstance(finding, Newest):
            self._show_newest(finding.record)
        elif isinstance(finding, Found):
            self._store(shelf, finding)
        elif isinstance(finding, Passed):
            shelf.move(finding.rec_type, finding.cursor)
        elif isinstance(finding, Damaged):
            shelf.note_damaged(finding.rec_type, finding.place, finding.stamp)
            shelf.move(finding.rec_type, finding.cursor)
        else:
            self._store_healed(shelf, finding)

    def _store(self, shelf: Shelf, found: Found) -> None:
        record = found.record
        before = found.before or shelf.last_stamp(record.rec_type)
        if self._keep(shelf, record, found.unsummed) and before:
            shelf.note_missing(record.rec_type, before, record.stamp)
        shelf.move(record.rec_type, found.cursor)
        if found.newest:
            self._show_newest(record)

    def _store_healed(self, shelf: Shelf, healed: Healed) -> None:
        self._keep(shelf, healed.record, healed.unsummed)
        shelf.note_healed(healed.record.rec_type, healed.place, healed.stamp or healed.record.stamp)

    def _keep(self, shelf: Shelf, record: Entry, unsummed: bool) -> bool:
        assert self._head is not None, "the head is known since the first contact"
        kept = shelf.keep(record, self._head, self._orders.event_date())
        self.standing.stored += kept
        self.standing.unsummed += kept and unsummed
        return kept

    def _show_newest(self, record: Entry) -> None:
        if isinstance(record, Record) and record.rec_type in (RecType.HOUR, RecType.DAY):
            self._newest[record.rec_type] = record
            self._write_snapshot()

    def _hold(self, error: OSError) -> None:
        """The disk takes nothing: polling goes on, the archive begins again from what is surely stored."""
        self.standing.note = f"архив не записан: {error.strerror}; повтор каждые {HOLD_S:.0f} с"
        self._held_until_s = 0.0
        self._walk += 1
        self._orders.drop_archive(self.settings.file)
        if self._shelf:
            self._shelf.forget_unsaved()
