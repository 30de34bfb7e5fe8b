"""One LoRaWAN module in a thread of its own: joins, sends the newest records of all devices, notes what was sent.

A record is noted in `var/` when its last frame was sent (or acknowledged, where that is wanted), so a restart repeats
at most the frames of one record, and every frame says of which it is.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from engine import files, naming
from engine.due import growing_pause
from engine.errors import AgentError, LineDown, NoAnswer, Refused
from engine.formats import lora
from engine.lora.air import payload_limit_bytes, silence_s, time_on_air_s
from engine.lora.archive_tail import newest_records
from engine.lora.at import Ask, Dialect, Lines, NotJoined, NotNow, Silent, T, Talk, TooLong, dialect, identify, speaks
from engine.lora.queue import Waiting, notes_text, read_notes, unsent
from engine.model import RecType
from engine.reasons import why
from engine.settings import DeviceSettings
from engine.worker import Worker

NOTES = f"{naming.VAR}/lora"
NOTES_LIMIT_BYTES = 4 << 20
ATTEMPTS = 3
FIRST_PAUSE_S, LONGEST_PAUSE_S = 60.0, 3600.0
_READ_BYTES = 512
_LINE_BYTES = 1024
_LOOK_UP_S = 0.25


class Link(Protocol):
    """What is needed of a serial port; everything but `close` raises LineDown."""

    def open(self, baud: int) -> None: ...
    def write(self, data: bytes) -> None: ...
    def read(self, limit: int, timeout_s: float) -> bytes: ...
    def close(self) -> None: ...


class _Stopped(Exception):
    """The thread is to end."""


class Module(Worker):
    """`state` is for `status.txt`; `devices` tells the numbers whose archives are sent, from any thread."""

    def __init__(
        self,
        root: Path,
        settings: DeviceSettings,
        link: Link,
        devices: Callable[[], tuple[str, ...]],
        crashed: Callable[[str, str], None],
    ) -> None:
        super().__init__(f"lora {settings.file}", crashed)
        self.state = "ещё не опрошен"
        self.sent_records = 0
        self.failed = ""
        self._settings = settings
        self._root = root
        self._notes_path = root / NOTES / f"{settings.file}.txt"
        self._link = link
        self._devices = devices
        self._dialect: Dialect | None = None
        self._joined = False
        self._limit_bytes = 0
        self._free_at_s = time.monotonic()
        self._rest = b""

    def work(self) -> None:
        if self._notes_path.exists():
            self._keep_silent(lora.LEAST_PAYLOAD_BYTES)  # what an agent before sent a moment ago nobody knows
        failures = 0
        while not self.stopping.is_set():
            try:
                self._session()
            except _Stopped:
                break
            except (AgentError, OSError) as error:
                failures += 1
                if isinstance(error, Silent | LineDown | Refused):
                    self._dialect = None  # it may be another module by now, or one that has lost everything
                self.state = self.failed = why(error) if isinstance(error, OSError) else str(error)
            else:
                failures, self.failed = 0, ""
                self.state = f"передано записей {self.sent_records}, новых нет"
            finally:
                self._link.close()
                self._rest = b""
            pause_s = float(self._settings.lora.pause_s)
            self.stopping.wait(min(pause_s, growing_pause(failures, FIRST_PAUSE_S, LONGEST_PAUSE_S)) or pause_s)

    # --- one transmission

    def _session(self) -> None:
        """Everything that is due. The module is set up before the first, and again after its line was lost."""
        sent = self._noted()
        window = self._window()
        waiting = unsent(window, sent)
        if self._dialect is None:
            self._set_up()
        kept = {record.note for record in window} & sent
        for place, record in enumerate(waiting, 1):
            self.state = f"передаётся запись {place} из {len(waiting)}"
            self._send_record(record)
            kept.add(record.note)
            files.write_whole(self._notes_path, notes_text(kept), synced=True)
            self.sent_records += 1

    def _noted(self) -> frozenset[str]:
        try:
            return read_notes(files.read_limited(self._notes_path, NOTES_LIMIT_BYTES))
        except FileNotFoundError:
            return frozenset()

    def _window(self) -> list[Waiting]:
        own = self._settings.lora
        found: list[Waiting] = []
        for dev_number in self._devices():
            found += newest_records(self._root, dev_number, RecType.DAY, own.days)
            found += newest_records(self._root, dev_number, RecType.HOUR, own.hours)
        return found

    def _set_up(self) -> None:
        own = self._settings.lora
        self.state = "настраивается"
        self._joined = False
        spoken = dialect(self._run(identify()), own)
        self._run(spoken.configure())
        self._limit_bytes = min(spoken.longest_bytes(), payload_limit_bytes(own.region, own.data_rate))
        if self._limit_bytes < lora.LEAST_PAYLOAD_BYTES:
            raise Refused(f"при DataRate={own.data_rate} записи не помещаются, нужна скорость больше")
        self._dialect = spoken

    def _send_record(self, record: Waiting) -> None:
        """All frames, in smaller ones when the network has lowered the rate meanwhile."""
        while True:
            encoded = lora.encode(record.dev_number, record.fields, self._limit_bytes)
            try:
                for frame in encoded.frames:
                    self._send_frame(frame)
                return
            except TooLong:
                if self._limit_bytes <= lora.LEAST_PAYLOAD_BYTES:
                    raise
                self._limit_bytes = max(lora.LEAST_PAYLOAD_BYTES, self._limit_bytes // 2)

    def _send_frame(self, frame: bytes) -> None:
        """One frame, when the air is free for it; a few times, and into the network again where that is lost."""
        own = self._settings.lora
        spoken = self._dialect
        assert spoken is not None
        failure: AgentError = NoAnswer("не передано")
        for _ in range(ATTEMPTS):
            try:
                if not self._joined:
                    self.state = "входит в сеть"
                    self._run(spoken.join())
                    self._joined = True
                self._wait_until(self._free_at_s)
                self._keep_silent(len(frame))  # whatever becomes of it, it may have been on the air
                self._run(spoken.send(frame))
            except NotJoined as error:
                self._joined, failure = False, error
            except (NoAnswer, NotNow) as error:
                failure = error
            else:
                self._wait_until(time.monotonic() + own.inner_pause_s)
                return
        raise failure

    def _keep_silent(self, frame_bytes: int) -> None:
        """The next frame comes no sooner than the share of the time on air allows."""
        own = self._settings.lora
        on_air_s = time_on_air_s(frame_bytes, own.region, own.data_rate)
        self._free_at_s = time.monotonic() + on_air_s + silence_s(on_air_s, own.duty_percent)

    def _wait_until(self, moment_s: float) -> None:
        if self.stopping.wait(max(0.0, moment_s - time.monotonic())):
            raise _Stopped

    # --- the port

    def _run(self, talk: Talk[T]) -> T:
        """Carry a dialogue to its end."""
        self._link.open(self._settings.baud)
        try:
            ask = next(talk)
            while True:
                ask = talk.send(self._answer(ask))
        except StopIteration as end:
            result: T = end.value
            return result

    def _answer(self, ask: Ask) -> Lines:
        """The lines that belong to the answer, until it is whole or its time is over."""
        if ask.command:
            while self._link.read(_READ_BYTES, 0.0):
                pass  # what came before the question is no answer to it
            self._rest = b""
            self._link.write(f"{ask.command}\r\n".encode("ascii"))
        lines: list[str] = []
        give_up_s = time.monotonic() + ask.timeout_s
        while not ask.is_whole(lines) and (left_s := give_up_s - time.monotonic()) > 0:
            if self.stopping.is_set():
                raise _Stopped
            *whole, rest = (self._rest + self._link.read(_READ_BYTES, min(left_s, _LOOK_UP_S))).split(b"\n")
            self._rest = rest[-_LINE_BYTES:]
            lines += [line for each in whole if speaks(line := each.decode("ascii", "replace").strip())]
        return lines
