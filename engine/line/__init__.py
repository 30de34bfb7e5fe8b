"""The thread of one line: whose turn it is, and what to do when nobody answers.

A dialogue is a generator, so one that meets silence can be set aside and taken up again after the others
had their turn: a device that does not answer delays nobody by more than one wait.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from datetime import datetime
from queue import Empty, SimpleQueue
from threading import Event

from engine.archive.catchup import Catchup
from engine.archive.findings import Finding, Task
from engine.dialogue import Ask, Driver, Fetched, Mark, Write
from engine.due import LONGEST_PAUSE_S, growing_pause
from engine.errors import LineDown, NoAnswer, Refused
from engine.line.bus import Bus, Pace, longest_s
from engine.line.device import REPEAT_READING_S, Answers, Device, Wish
from engine.line.guest import Guest
from engine.line.lending import Lending
from engine.line.turns import Conversation, Turn, Turns
from engine.news import Archived, LineChanged, Missed, News, Written
from engine.settings import DeviceSettings
from engine.worker import Worker


class LineWorker(Worker):
    """Polls the devices of one line, and reads their archives in the time that is left."""

    def __init__(
        self,
        bus: Bus,
        drivers: tuple[Driver, ...],
        post: Callable[[News], None],
        crashed: Callable[[str, str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(f"line {bus.link.name}", crashed)
        self.bus = bus
        self._drivers = drivers
        self._post = post
        self._clock = clock
        self._turns = Turns()
        self._lending = Lending(bus, clock)
        self._orders: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._wake = Event()
        self._current: Conversation | None = None
        self._line_failures = 0
        self._reopen_at_s = 0.0

    # --- orders of the main thread

    def set_devices(self, devices: tuple[DeviceSettings, ...], interval_s: float) -> None:
        """Poll these devices from now on. One whose settings are the same goes on undisturbed."""
        self._order(lambda: self._set_devices(devices, interval_s))

    def begin_archive(self, file: str, catchup: Catchup, walk: int) -> None:
        """Read the archive of a device as `catchup` says, until the device is lost."""
        self._order(lambda: self._begin_archive(file, catchup, walk))

    def drop_archive(self, file: str) -> None:
        """Read no archive of this device until `begin_archive` is called again."""
        self._order(lambda: self._turns.drop_archive(file))

    def retry_damaged(self) -> None:
        """Try every damaged place of every archive once more."""
        self._order(self._turns.retry_damaged)

    def poll_now(self) -> None:
        """Read every device at once."""
        self._order(lambda: self._turns.read_now(self._clock()))

    def write(self, file: str, write: Write, until_s: float) -> None:
        """Write to a device, unless `until_s` comes first. What still waits gives way; the end is told as `Written`."""
        self._order(lambda: self._turns.wish(file, write, until_s))

    def lend(self, guest: Guest) -> None:
        """Carry the bytes of this client from now on, between the requests of the polls (engine.line.lending)."""
        self._order(lambda: self._lending.begin(guest))

    def stop(self) -> None:
        super().stop()
        self.bus.stop()
        self._wake.set()

    def _order(self, order: Callable[[], None]) -> None:
        self._orders.put(order)
        self._wake.set()

    def _set_devices(self, devices: tuple[DeviceSettings, ...], interval_s: float) -> None:
        self._turns.poll(devices, self._drivers, interval_s, self._clock())
        if self._current and not self._turns.is_here(self._current.device):
            self._current = None

    def _begin_archive(self, file: str, catchup: Catchup, walk: int) -> None:
        if device := self._turns.devices.get(file):
            self._tell_archive(device, device.begin_archive(catchup, walk))

    # --- the work

    def work(self) -> None:
        try:
            while not self.stopping.is_set():
                self._turn()
        finally:
            self._lending.end("линия закрыта")
            self.bus.close()

    def _turn(self) -> None:
        self.give_sign()
        self._take_orders()
        if self._lending.holds():
            return
        if self._lending.was_long():
            self._current = None
            self._turns.give_up()
        now_s = self._clock()
        if now_s < self._reopen_at_s:
            self._rest(self._reopen_at_s - now_s)
            return
        chosen, self._current = self._current or self._choose(now_s), None
        if isinstance(chosen, Turn):  # one that fails before its first byte leaves the line to the next, and no rest
            chosen = self._begun(chosen, now_s)
        elif chosen is None and self._orders.empty():
            self._rest(self._turns.idle_s(now_s))
        if chosen:
            self._exchange(chosen)

    def _take_orders(self) -> None:
        self._wake.clear()
        while True:
            try:
                self._orders.get_nowait()()
            except Empty:
                return

    def _rest(self, duration_s: float) -> None:
        self.give_sign(duration_s)
        if not self._lending.carry(duration_s) and not self.stopping.is_set():
            self._wake.wait(duration_s)

    def _choose(self, now_s: float) -> Conversation | Turn | None:
        for late, wish in self._turns.too_late(now_s):
            self._was_written(late, wish, "линия занята или не на связи")
        return self._turns.next(now_s)

    def _begun(self, turn: Turn, now_s: float) -> Conversation | None:
        device, task = turn.device, turn.task
        if isinstance(task, Wish):
            return self._begin(device, task, device.writing(task), now_s)
        return self._begin(device, task, device.archive_dialogue(task) if task else device.reading(now_s), now_s)

    def _begin(
        self, device: Device, task: Task | Wish | None, dialogue: Generator[Ask, bytes, object], now_s: float
    ) -> Conversation | None:
        try:
            return Conversation(device, task, dialogue, next(dialogue), now_s, now_s)
        except (NoAnswer, Refused) as error:
            self._failed(device, task, str(error))
            return None

    # --- one exchange and what follows

    def _exchange(self, conversation: Conversation) -> None:
        device, begun_s = conversation.device, self._clock()
        pace = Pace(device.settings.baud, device.settings.byte_timeout_s)
        wait_s = conversation.wait_s(conversation.attempt)
        self.give_sign(longest_s(conversation.ask, wait_s, pace))
        try:
            payload = self.bus.exchange(conversation.ask, wait_s, pace)
        except NoAnswer as error:
            self._was_asked(conversation)
            self._unanswered(conversation, error)
        except LineDown as error:
            self._line_is_down(conversation, error)
        else:
            self._was_asked(conversation)
            self._answered(conversation, payload, wait_s)
        self._turns.share.used(self._clock() - begun_s, archive=isinstance(conversation.task, Task))

    def _was_asked(self, conversation: Conversation) -> None:
        """The device's time begins when it is asked first, not with the silence that had to be kept before."""
        self._line_is_up()
        if not conversation.attempt:
            conversation.asked_at_s = self.bus.asked_at_s

    def _answered(self, conversation: Conversation, payload: bytes, wait_s: float) -> None:
        device, attempt = conversation.device, conversation.attempt
        if attempt:  # between two requests lay a wait and the silence after it; its answers keep no exact time
            apart_s = conversation.wait_s(attempt - 1) + 2 * device.settings.byte_timeout_s
            self.bus.expect_late_answer(max(wait_s, apart_s), self.bus.asked_at_s - conversation.asked_at_s)
        device.answered(self._clock() - conversation.asked_at_s, attempt)
        self._advance(conversation, lambda: conversation.dialogue.send(payload))

    def _unanswered(self, conversation: Conversation, error: NoAnswer) -> None:
        conversation.attempt += 1
        conversation.disturbed = True
        most = conversation.device.attempts
        if conversation.attempt < min(most, conversation.ask.attempts or most):
            conversation.ready_at_s = self._clock()
            self._turns.set_aside(conversation)
        else:
            self._advance(conversation, lambda: conversation.dialogue.throw(error))

    def _advance(self, conversation: Conversation, step: Callable[[], Ask]) -> None:
        try:
            conversation.ask = step()
        except StopIteration as end:
            self._finished(conversation, end.value)
        except (NoAnswer, Refused) as error:
            self._failed(conversation.device, conversation.task, str(error))
        else:
            conversation.attempt, conversation.asked_at_s = 0, self._clock()
            self._current = conversation

    def _finished(self, conversation: Conversation, result: object) -> None:
        device, task = conversation.device, conversation.task
        if isinstance(result, Answers):
            self._was_read(device, result)
        elif isinstance(task, Wish):
            self._was_written(device, task)
        elif task and device.catchup and isinstance(result, Fetched | Mark):
            self._was_fetched(conversation, task, device.catchup, result)

    def _was_written(self, device: Device, wish: Wish, reason: str = "") -> None:
        device.end_wish(wish)
        self._post(Written(device.settings.file, wish.write.raw, reason))

    def _was_fetched(self, conversation: Conversation, task: Task, catchup: Catchup, result: Fetched | Mark) -> None:
        """A one-byte sum lets one damaged frame in 256 through: on a disturbed line all is read twice."""
        device = conversation.device
        if conversation.read_before is not None and conversation.read_before != result:
            device.archive_failed()
        elif conversation.disturbed and conversation.read_before is None:
            again = self._begin(device, task, device.archive_dialogue(task), self._clock())
            if again:
                again.read_before = result
                self._current = again
        else:
            self._tell_archive(device, catchup.answer(task, result))

    def _was_read(self, device: Device, answers: Answers) -> None:
        first = device.was_read(answers, self._clock())
        self._post(device.contact(answers, datetime.now().astimezone(), first))
        if answers.rings is not None:
            self._tell_archive(device, device.refresh_archive())

    def _tell_archive(self, device: Device, findings: list[Finding]) -> None:
        catchup = device.catchup
        if catchup is None:
            return
        complete = catchup.task() is None
        if findings or complete != device.archive_complete:
            device.archive_complete = complete
            told = tuple(findings)
            self._post(Archived(device.settings.file, device.walk, told, catchup.remaining, catchup.total, complete))

    def _failed(self, device: Device, task: Task | Wish | None, reason: str) -> None:
        if isinstance(task, Wish):
            self._was_written(device, task, reason)
            return
        if task is not None:
            device.archive_failed()
            return
        if self._lending.guest:  # a lent line never makes a device off line
            device.due_at_s = self._clock() + REPEAT_READING_S
            return
        lost = device.was_missed(self._clock())
        self._post(Missed(device.settings.file, reason, device.failures, lost))

    # --- the line itself

    def _line_is_up(self) -> None:
        if self._line_failures > 1:
            self._post(LineChanged(self.bus.link.name, ""))
        self._line_failures = 0

    def _line_is_down(self, conversation: Conversation, error: LineDown) -> None:
        """A first fault is often just a connection that the far end closed: it is opened again at once."""
        self.bus.close()
        self._line_failures += 1
        if self._line_failures == 1:
            self._turns.set_aside(conversation, first=True)
            return
        if self._line_failures == 2:
            self._post(LineChanged(self.bus.link.name, str(error)))
        nobody_left = all(device.failures >= device.settings.reconnects for device in self._turns.devices.values())
        longest_s = LONGEST_PAUSE_S if nobody_left else REPEAT_READING_S
        self._reopen_at_s = self._clock() + growing_pause(self._line_failures - 1, longest_s=longest_s)
        self._current = None
        self._turns.give_up()
        for device in self._turns.devices.values():
            self._failed(device, None, str(error))
