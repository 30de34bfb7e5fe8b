"""Commands of the user: files in `log/User/cmd/`, one after another; each is answered by its `.out` (section 12)."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine import naming
from engine.command import DONE, ECHO, FAILED, INTERRUPTED, PROGRESS, Command, CommandFailed
from engine.command.folder import Answer, CommandFolder
from engine.command.words import parse_file, write
from engine.dialect import textfile
from engine.errors import Problem
from engine.reasons import why
from engine.runtime.command_desk import Desk, Steps
from engine.runtime.command_jobs import steps_of
from engine.runtime.deliveries import Deliveries
from engine.runtime.part import House, Part
from engine.settings import Settings

LOOK_S = 0.25
PROGRESS_S = 5.0
HOLD_S = 5.0
"""While the disk takes nothing a command is neither begun nor ended; so often that is tried again."""
STOPPED = "агент остановлен"
_ON_AGAIN = "пауза кончилась: опрос приборов включён"
_STILL_OFF = "пауза кончилась, опрос приборов выключен: AutoPoll=0"
CANCELLED = "отменено: файл команды удалён"


@dataclass
class Run:
    """A command file that is being carried out: the commands that are left, and the one under way.

    `failure` is None until it is over, then why it failed, empty when it did not.
    """

    name: str
    answer: Answer
    commands: list[Command]
    steps: Steps | None = None
    failure: str | None = None
    hold_s: float = 0.0
    progress_s: float = 0.0
    is_told: bool = False
    is_incomplete: bool = False


class Commands(Part):
    """One command file at a time, line by line. `heard` gets every line of every answer as well.

    `set_time` sets the clock of the host and tells how that went. `accepts` tells by the name of a file whether it is
    to be carried out; `ended` counts those that were.
    """

    title = "Команды"

    def __init__(
        self,
        house: House,
        deliveries: Deliveries,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(house)
        self.accepts: Callable[[str], bool] = lambda _name: True
        self.heard: Callable[[str], None] = lambda _line: None
        self.set_time: Callable[[str], str] = _no_clock
        self.ended = 0
        self._folder = CommandFolder(house.root)
        self._clock = clock
        self._run: Run | None = None
        self._look_s = 0.0
        self._begun = False
        self._hindrance = ""
        self._desk = Desk(house, deliveries, self._tell, self._progress, clock, lambda text: self.set_time(text))

    def apply(self, settings: Settings, now_s: float) -> None:
        """What an earlier run has begun is not run again."""
        if self._begun:
            return
        self._begun = True
        try:
            for name in self._folder.end_interrupted():
                self.house.journal(f"{naming.COMMANDS}/{name}: {INTERRUPTED}")
        except OSError as error:
            self.house.journal(f"{naming.COMMANDS}: {why(error)}")

    def tick(self, now_s: float) -> None:
        """Go on with the command under way, or look for the next one."""
        if self.house.devices.polling.is_over(now_s):
            self.house.devices.repoll()
            self.house.journal(_ON_AGAIN if self.house.devices.polling.is_on else _STILL_OFF)
        if self._run is not None:
            self._go_on(self._run, now_s)
        elif now_s >= self._look_s:
            self._look_s = now_s + LOOK_S
            if name := self._folder.next(now_s, self.accepts):
                self._begin(name, now_s)
            else:
                self._hindrance = ""

    def stop(self) -> None:
        """What is not ready is told to be so."""
        if self._run is not None:
            self._finish(self._run, STOPPED)
            self._end(self._run, 0.0)
        self._run = None

    def lines(self) -> Sequence[str]:
        """The file under way, or why none can be begun."""
        told = f"{self._run.name}: выполняется" if self._run else self._hindrance
        return [told] if told else []

    def warnings(self) -> Sequence[str]:
        """What the commands `pause` and `resume` have left behind."""
        return self.house.devices.polling.warnings()

    # --- one file

    def _begin(self, name: str, now_s: float) -> None:
        """The whole file is checked before anything of it is done."""
        run = Run(name, self._folder.answer(name), [])
        try:
            run.answer.begin()
        except OSError as error:
            self._hinder(f"{naming.COMMANDS}/{name}: не выполняется, ответ не записан: {why(error)}")
            self._look_s = now_s + HOLD_S
            return
        self._run, self._hindrance = run, ""
        commands, problems = self._read(name)
        run.commands = list(commands)
        for problem in problems:
            self._tell(str(problem))
        if problems:
            self._finish(run, f"ошибок {len(problems)}, ничего не выполнено")
        self._go_on(run, now_s)

    def _hinder(self, hindrance: str) -> None:
        """It is tried again and again, and told once."""
        if hindrance != self._hindrance:
            self._hindrance = hindrance
            self.house.journal(hindrance)

    def _read(self, name: str) -> tuple[Sequence[Command], Sequence[Problem]]:
        try:
            return parse_file(name, textfile.decode(self._folder.text(name)))
        except OSError as error:
            return (), (Problem(name, 0, why(error)),)

    def _go_on(self, run: Run, now_s: float) -> None:
        if run.failure is None and not self._folder.is_there(run.name):
            self._finish(run, CANCELLED)
        while run.failure is None and self._step(run):
            pass
        if run.failure is not None and now_s >= run.hold_s:
            self._end(run, now_s)

    def _step(self, run: Run) -> bool:
        """One step of the command under way; whether the next one follows at once. One that fails ends the file."""
        if run.steps is None and not run.commands:
            self._finish(run, "")
            return False
        try:
            if run.steps is None:
                command = run.commands.pop(0)
                self._tell(f"{ECHO}{write(command)}")
                run.steps = steps_of(self._desk, command)
            next(run.steps)
        except StopIteration:
            run.steps = None
            return True
        except CommandFailed as failed:
            self._finish(run, str(failed))
        except OSError as error:
            self._finish(run, why(error))
        return False

    def _finish(self, run: Run, failure: str) -> None:
        """Nothing more is done; how it ended is written as soon as the disk takes it."""
        if run.failure is None:
            run.failure = failure
            self.heard(f"{FAILED}{failure}" if failure else DONE)
        if run.steps is not None:
            steps, run.steps = run.steps, None
            steps.close()

    def _end(self, run: Run, now_s: float) -> None:
        try:
            if not run.is_told:
                run.answer.end(run.failure or "")
                run.is_told = True
            self._folder.remove(run.name)
        except OSError as error:
            if not run.hold_s:
                self.house.journal(f"{naming.COMMANDS}/{run.name}: ответ не записан: {why(error)}")
            run.hold_s = now_s + HOLD_S
            return
        if run.failure:
            self.house.journal(f"{naming.COMMANDS}/{run.name}: не выполнено: {run.failure}")
        self._run, self.ended = None, self.ended + 1

    # --- the answer

    def _tell(self, text: str) -> None:
        """What cannot be written down is no reason to break off."""
        self.heard(text)
        run = self._run
        if run is not None:
            try:
                run.answer.tell(text)
            except OSError as error:
                if not run.is_incomplete:
                    self.house.journal(f"{naming.COMMANDS}/{run.name}: ответ неполон: {why(error)}")
                run.is_incomplete = True

    def _progress(self, text: str) -> None:
        now_s = self._clock()
        if self._run is not None and now_s - self._run.progress_s >= PROGRESS_S:
            self._run.progress_s = now_s
            self._tell(f"{PROGRESS}{text}")


def _no_clock(_text: str) -> str:
    raise CommandFailed("время этого устройства агент не ставит")


def answer_path(name: str) -> str:
    """The answer of a command file, relative to the root."""
    return f"{naming.COMMANDS}/{Path(name).stem}.out"
