"""What each command does, step by step (formats guide, section 12)."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from pathlib import Path

from engine.command import (
    Archive,
    Autoconfig,
    Command,
    CommandFailed,
    Export,
    Factory,
    Pause,
    Push,
    Read,
    Rebuild,
    Report,
    Resume,
    SetTime,
    Trace,
)
from engine.command.child import Child
from engine.command.words import duration_text, write
from engine.config import Config
from engine.export.media import Media
from engine.formats import fields
from engine.formats.status import moment_text
from engine.formats.values import value_text
from engine.keeper import Keeper
from engine.model import Reading
from engine.reasons import why
from engine.runtime.command_archive import archive, rebuild
from engine.runtime.command_desk import MOST_MISSED, Desk, Steps

LET_GO_S = 30.0
READ_S = 60.0
PUSH_S = 3600.0
TRACE_LIMIT_CHARACTERS = 1_000_000


def steps_of(desk: Desk, command: Command) -> Steps:
    """A command, not yet begun."""
    match command:
        case Pause(for_s):
            return pause(desk, for_s)
        case Resume():
            return resume(desk)
        case Read(number):
            return read(desk, number)
        case Archive():
            return archive(desk, command)
        case Rebuild(number):
            return rebuild(desk, number)
        case Trace(number, for_s):
            return trace(desk, number, for_s)
        case Push():
            return push(desk)
        case Factory(name):
            return factory(desk, name)
        case SetTime(text):
            return set_time(desk, text)
        case Export(path):
            return export(desk, path)
        case Report() | Autoconfig():
            return process(desk, write(command).split())


# --- polling


def pause(desk: Desk, for_s: int | None) -> Steps:
    """Every line is let go when this ends."""
    devices = desk.house.devices
    try:
        devices.polling.pause(for_s, desk.clock(), desk.house.now())
    except OSError as error:
        raise CommandFailed(f"опрос выключен, но только до перезапуска: {why(error)}") from error
    finally:
        devices.repoll()
    desk.house.journal(f"опрос приборов выключен командой pause{f' на {duration_text(for_s)}' if for_s else ''}")
    yield from _until_let_go(desk)
    for text in devices.polling.warnings():
        desk.tell(text)


def _until_let_go(desk: Desk) -> Steps:
    end_s = desk.clock() + LET_GO_S
    while not desk.house.lines.are_let_go:
        if desk.clock() > end_s:
            raise CommandFailed("опрос выключен, но не все порты ещё закрыты")
        yield


def resume(desk: Desk) -> Steps:
    """Poll again, whatever AutoPoll says."""
    devices = desk.house.devices
    end_s = desk.clock() + LET_GO_S
    while not desk.house.lines.is_free() and desk.clock() < end_s:
        yield
    try:
        devices.polling.resume()
    except OSError as error:
        raise CommandFailed(f"опрос включён, но только до перезапуска: {why(error)}") from error
    finally:
        devices.repoll()
    desk.house.journal("опрос приборов включён командой resume")
    desk.tell("опрос приборов включён")


# --- one device


def read(desk: Desk, number: str) -> Steps:
    """Current values now, or why not."""
    keeper = yield from desk.device(number)
    with desk.polled(keeper):
        before, missed, end_s = keeper.standing.readings, keeper.standing.failures, desk.clock() + READ_S
        was_lost = keeper.standing.online is False
        if worker := desk.house.lines.worker_of(keeper.settings.file):
            worker.poll_now()
        while keeper.standing.readings == before:
            desk.check(keeper)
            standing = keeper.standing
            failed = standing.failures - missed
            if failed >= MOST_MISSED or (failed and was_lost) or desk.clock() > end_s:
                raise CommandFailed(f"прибор {number} не прочитан: {standing.reason or 'нет ответа'}")
            yield
        _tell_reading(desk, number, keeper)


def _tell_reading(desk: Desk, number: str, keeper: Keeper) -> None:
    reading = keeper.reading
    if reading is None:
        raise CommandFailed(f"прибор {number} ответил, но {keeper.standing.note or 'показаний нет'}")
    desk.tell(f"{number}: прочитан {moment_text(keeper.standing.read_at)}, часы прибора {moment_text(reading.clock)}")
    for line in _values(reading):
        desk.tell(line)
    if keeper.standing.note:
        desk.tell(f"{number}: {keeper.standing.note}")


def _values(reading: Reading) -> Sequence[str]:
    told = []
    for number, system in enumerate(reading.systems, 1):
        keys = [key for key in fields.SYSTEM_MEASURED if key in system]
        keys += [key for key in system if key not in fields.SYSTEM_KEYS]
        told.append(" ".join([f"S{number}:", *(f"{key}={value_text(key, system[key])}" for key in keys)]))
    return told


def trace(desk: Desk, number: str, for_s: int) -> Steps:
    """The exchange on the line of a device, in the form of a capture."""
    keeper = yield from desk.device(number)
    heard: deque[str] = deque(maxlen=10_000)
    left = TRACE_LIMIT_CHARACTERS
    with desk.polled(keeper):
        line = desk.house.lines.name_of(keeper.settings.file)
        desk.tell(f"# {line}")
        desk.house.lines.tap(line, heard.append)
        try:
            end_s = desk.clock() + for_s
            while desk.clock() < end_s and left > 0:
                desk.check(keeper)
                told = "\n".join(heard.popleft() for _ in range(len(heard)))
                left -= len(told)
                if told:
                    desk.tell(told)
                yield
        finally:
            desk.house.lines.tap(line, None)
        if left <= 0:
            desk.tell("# обмен длиннее миллиона знаков, дальше не записан")
        elif left == TRACE_LIMIT_CHARACTERS:
            desk.tell(f"# обмена не было: {keeper.standing.reason or 'очередь прибора не подошла'}")


# --- servers, files, the host


def push(desk: Desk) -> Steps:
    """A drop to every server at once; waits until each has taken everything, or has failed."""
    servers = {section: (each, each.delivery) for section, each in desk.deliveries.deliveries.items()}
    if not servers:
        raise CommandFailed("внешних серверов нет: ни один не включён в ftp.ini")
    if desk.house.now() is None:
        raise CommandFailed("часы устройства не установлены, посылки ждут")
    desk.deliveries.deliver_now()
    end_s = desk.clock() + PUSH_S
    while not desk.deliveries.delivered():
        now = desk.deliveries.deliveries
        if any(now.get(section) is not each or each.delivery is not at for section, (each, at) in servers.items()):
            raise CommandFailed("доставка начата заново: изменены настройки или был сбой")
        if desk.clock() > end_s:
            raise CommandFailed(f"за {duration_text(int(PUSH_S))} доставлено не всё")
        yield
    states = [each.delivery.state for each, _ in servers.values()]
    for state in states:
        desk.tell(f"{state.section} {state.host}: {state.error or f'доставлено, последняя посылка №{state.seq}'}")
    if failed := [state.section for state in states if state.error]:
        raise CommandFailed(f"не доставлено: {', '.join(failed)}")


def factory(desk: Desk, name: str) -> Steps:
    """The factory's copy in place of the user's file; it acts like any change."""
    path = Config(desk.house.root).to_factory(name)
    desk.house.journal(f"{path}: заводской, по команде factory")
    desk.house.touched(path)
    desk.tell(f"{path}: записан заводской")
    yield from ()


def set_time(desk: Desk, text: str) -> Steps:
    """The clock of the host."""
    desk.tell(desk.set_time(text))
    yield from ()


def export(desk: Desk, path: str) -> Steps:
    """A command file comes over FTP: it may write to a flash drive, and nowhere else on the disk."""
    if Media(desk.house.root).holding(Path(path)) is None:
        raise CommandFailed(f"{path}: это не флеш-накопитель; в другую папку: agent.py export ПУТЬ")
    yield from process(desk, ["export", path])


def process(desk: Desk, words: Sequence[str]) -> Steps:
    """What `agent.py` does by itself, in a process of its own."""
    child = Child(desk.house.root, words)
    last = ""
    try:
        while (code := child.poll()) is None:
            last = _tell_lines(desk, child) or last
            yield
        while told := _tell_lines(desk, child):
            last = told
    finally:
        child.stop()
    if code:
        raise CommandFailed(last or f"код {code}")


def _tell_lines(desk: Desk, child: Child) -> str:
    lines = child.lines()
    for line in lines:
        desk.tell(line)
    return lines[-1] if lines else ""
