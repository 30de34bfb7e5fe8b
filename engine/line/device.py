"""One device on a line: what is asked of it next, and what silence means. No port and no clock of its own."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace
from datetime import datetime

from engine.archive.catchup import Catchup
from engine.archive.findings import Finding, Task
from engine.dialogue import Ask, Driver, Fetched, Identity, Mark, Ring, Setup, Write
from engine.due import answer_wait, growing_pause, next_turn
from engine.errors import NoAnswer, Refused
from engine.line.block_size import BlockSize, tried_only
from engine.model import Reading
from engine.news import Contact
from engine.settings import DeviceSettings

REPEAT_READING_S = 2.0
"""A reading that failed is repeated so soon, until the device counts as off line."""
RINGS_PERIOD_S = 30.0
LONGEST_WAIT_S = 5.0
SLOW_IN_A_ROW = 3
"""So many answers, one after another, that came only after a repeated request: the device is slow."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What one turn of reading brought. `rings` is None when they were not asked for this time."""

    driver: Driver
    identity: Identity
    reading: Reading
    rings: tuple[Ring, ...] | None
    archive_refusal: str = ""


@dataclass(frozen=True, slots=True)
class Wish:
    """A number that is to be written before `until_s`; a later wish takes the place of one that still waits."""

    write: Write
    until_s: float


def identify(drivers: tuple[Driver, ...], setup: Setup) -> Generator[Ask, bytes, tuple[Driver, Identity]]:
    """Ask the device what it is and choose the driver by its id, whatever its DevType says.

    The protocol of the wanted type is asked first; `auto` asks every protocol in turn.
    Raises NoAnswer when nobody answers, Refused when no driver knows the id.
    """
    wanted = [driver for driver in drivers if setup.device_type in driver.device_types]
    questions = dict.fromkeys(driver.ask_id for driver in wanted or drivers)
    silence: NoAnswer | None = None
    for question in questions:
        try:
            device_id = yield from question(setup)
        except NoAnswer as error:
            silence = error
            continue
        return (yield from _open(drivers, setup, question, device_id))
    raise silence or Refused(f"нет драйвера для {setup.device_type}")


def _open(
    drivers: tuple[Driver, ...], setup: Setup, question: object, device_id: bytes
) -> Generator[Ask, bytes, tuple[Driver, Identity]]:
    refusal = Refused(f"неизвестный прибор: {device_id!r}")
    wanted_first = sorted(drivers, key=lambda driver: setup.device_type not in driver.device_types)
    for driver in wanted_first:
        if driver.ask_id is question and driver.accepts(device_id):
            try:
                return driver, (yield from driver.open(setup, device_id))
            except Refused as error:
                refusal = error
    raise refusal


class Device:
    """State of one device between its exchanges. Used by the thread of its line only."""

    def __init__(self, settings: DeviceSettings, drivers: tuple[Driver, ...], interval_s: float, now_s: float) -> None:
        self.settings = settings
        self.interval_s = interval_s
        self.due_at_s = now_s
        self.online = False
        self.introduced = False
        self.failures = 0
        self.walk = 0
        self.wish: Wish | None = None
        self.catchup: Catchup | None = None
        self.archive_complete = False
        self._drivers = drivers
        self._setup = Setup(
            settings.dev_type,
            settings.net_addr,
            settings.block_size,
            settings.energy_unit,
            settings.protocol,
            settings.template_map,
            settings.connection,
        )
        self._block = self._new_block_size()
        self._driver: Driver | None = None
        self._identity: Identity | None = None
        self._worked_wait_s: float | None = None
        self._late_in_a_row = 0
        self._rings: tuple[Ring, ...] | None = None
        self._rings_at_s = 0.0
        self._archive_waits = False

    def set_interval(self, interval_s: float, now_s: float) -> None:
        """Another interval begins with a reading, and disturbs nothing else."""
        if interval_s != self.interval_s:
            self.interval_s, self.due_at_s = interval_s, min(self.due_at_s, now_s)

    # --- how long to wait, how often to ask

    @property
    def attempts(self) -> int:
        """How often one request is sent: a device that is silent already costs the others a single try."""
        return 1 if self.failures else 1 + self.settings.retries

    def wait_s(self, attempt: int) -> float:
        """How long the first byte of its answer may take, in seconds."""
        if self.failures and self._worked_wait_s is None:
            attempt = self.failures % 5
        return answer_wait(self._worked_wait_s or self.settings.packet_timeout_s, attempt, LONGEST_WAIT_S)

    def answered(self, took_s: float, attempt: int) -> None:
        """A slow device need not fail first at every exchange: its waits follow the time that it needs.

        Answers that were lost come now and then, and make no wait longer; late ones come time after time.
        """
        self._late_in_a_row = self._late_in_a_row + 1 if attempt else 0
        needed_s = min(1.5 * took_s, LONGEST_WAIT_S) if self._late_in_a_row in (0, SLOW_IN_A_ROW) else 0.0
        self._worked_wait_s = max(self.settings.packet_timeout_s, needed_s, 0.9 * (self._worked_wait_s or 0.0))

    # --- reading

    def reading(self, now_s: float) -> Generator[Ask, bytes, Answers]:
        """One turn: identity if it is not known, current values, and now and then the archive's rings."""
        driver, identity = self._driver, self._identity
        if driver is None or identity is None:
            driver, identity = yield from identify(self._drivers, self._setup)
        reading = yield from driver.read(self._setup, identity)
        if reading.meter_number != identity.meter_number:
            self.forget()
            raise NoAnswer("ответил другой прибор")
        if driver.rings is None or not self._rings_are_due(now_s):
            return Answers(driver, identity, reading, None)
        try:
            rings = yield from driver.rings(self._setup, identity)
        except Refused as refusal:
            return Answers(driver, identity, reading, (), str(refusal))
        return Answers(driver, identity, reading, rings)

    def was_read(self, answers: Answers, now_s: float) -> bool:
        """Take note of a good reading; returns whether it is the first after a silence."""
        if answers.archive_refusal:
            self.forget()  # its map may have changed: it is opened anew at the next turn
        else:
            self._driver, self._identity = answers.driver, answers.identity
        first, self.introduced = not self.introduced, not answers.archive_refusal
        self.online, self.failures, self._archive_waits = True, 0, False
        # all are due at once when the agent starts: from the first reading on each has a moment of its own
        self.due_at_s = now_s + self.interval_s if first else next_turn(self.due_at_s, now_s, self.interval_s)
        if answers.rings is not None and not answers.archive_refusal:
            self._rings, self._rings_at_s = answers.rings, now_s
        return first

    def contact(self, answers: Answers, read_at: datetime, first: bool) -> Contact:
        """What the main thread is told of a good reading."""
        return Contact(
            self.settings,
            answers.identity,
            answers.reading,
            read_at,
            first,
            answers.archive_refusal,
            has_archive=answers.driver.rings is not None,
            interval_s=self.interval_s,
        )

    def was_missed(self, now_s: float) -> bool:
        """Take note of a failed reading; returns whether the device is off line from now on."""
        self.failures += 1
        beyond = self.failures - self.settings.reconnects
        pause_s = growing_pause(beyond + 1) if beyond >= 0 else min(REPEAT_READING_S, self.interval_s)
        self.due_at_s = now_s + pause_s
        if beyond < 0:
            return False
        lost, self.online = beyond == 0, False
        self.forget()
        return lost

    def forget(self) -> None:
        """After a silence, or when another meter answers, nothing is taken for granted."""
        self._driver = self._identity = self._rings = None
        self.catchup, self.introduced = None, False
        self._block = self._new_block_size()

    def _new_block_size(self) -> BlockSize:
        return BlockSize(self.settings.block_size, fixed=self.settings.block_size_fixed)

    # --- writing

    def writing(self, wish: Wish) -> Generator[Ask, bytes, None]:
        """Write what is wished. Raises Refused when this family takes nothing."""
        if self._driver is None or self._identity is None:
            raise Refused("прибор не на связи")
        if self._driver.write is None:
            raise Refused("в этот прибор ничего не записать")
        yield from self._driver.write(self._setup, self._identity, wish.write)

    def end_wish(self, wish: Wish) -> None:
        """It was carried out or given up; a later one stays."""
        if self.wish is wish:
            self.wish = None

    # --- archive

    def begin_archive(self, catchup: Catchup, walk: int) -> list[Finding]:
        """Start the catch-up `walk`; it lives until the device is lost."""
        self.catchup, self.walk, self.archive_complete = catchup, walk, False
        return self.refresh_archive()

    def refresh_archive(self) -> list[Finding]:
        return self.catchup.refresh(self._rings) if self.catchup and self._rings else []

    def archive_task(self) -> Task | None:
        return self.catchup.task() if self.online and self.catchup and not self._archive_waits else None

    def archive_dialogue(self, task: Task) -> Generator[Ask, bytes, Fetched | Mark]:
        """Read what `task` names."""
        assert self._driver and self._identity, "an archive is read of an identified device"
        if not task.probe:
            return (yield from self._fetch(self._driver, self._identity, task))
        assert self._driver.probe is not None, "a driver with rings reads their marks"
        return (yield from self._driver.probe(self._setup, self._identity, task.ring, task.place))

    def _fetch(self, driver: Driver, identity: Identity, task: Task) -> Generator[Ask, bytes, Fetched]:
        """One record, in blocks as large as the device takes."""
        assert driver.fetch is not None, "a driver with rings reads their records"
        while True:
            setup = replace(self._setup, block_size=self._block.size)
            dialogue = driver.fetch(setup, identity, task.ring, task.place)
            try:
                fetched = yield from (tried_only(dialogue) if self._block.can_shrink else dialogue)
            except NoAnswer:
                if not self._block.can_shrink:
                    raise
                self._block.unanswered()
            else:
                self._block.answered()
                return fetched

    def archive_failed(self) -> None:
        """The archive goes on after the next good reading."""
        self._archive_waits = True

    def _rings_are_due(self, now_s: float) -> bool:
        return self._rings is None or now_s - self._rings_at_s >= min(RINGS_PERIOD_S, self.interval_s / 2)
