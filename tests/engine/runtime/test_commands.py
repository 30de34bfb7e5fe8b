"""The part that carries out command files: one at a time, line by line, each answered beside it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from engine import files, naming
from engine.command.folder import QUIET_S
from engine.dialogue import Identity
from engine.export.media import Media
from engine.model import Reading
from engine.news import Contact, Missed
from engine.runtime import command_jobs
from engine.runtime.command_jobs import PUSH_S, READ_S
from engine.runtime.commands import HOLD_S, PROGRESS_S, Commands
from engine.runtime.deliveries import Deliveries, Standing
from engine.runtime.polling import PATH
from tests.fake.agent_settings import serial_device, server, settings_of
from tests.fake.failing_disk import FailingDisk
from tests.fake.house import NOW, TestHouse
from tests.fake.toy_driver import CLOCK

NUMBER = "440020"
A = serial_device("a.ini", dev_number=NUMBER)


class FakeWorker:
    """A line that does what the test says."""

    def __init__(self) -> None:
        self.polled_now = 0

    def poll_now(self) -> None:
        self.polled_now += 1

    def begin_archive(self, *_arguments: object) -> None: ...

    def drop_archive(self, _file: str) -> None: ...


class FakeLines:
    """Which devices are polled; no thread."""

    def __init__(self) -> None:
        self.worker = FakeWorker()
        self.files: frozenset[str] = frozenset()
        self.taps: dict[str, Callable[[str], None]] = {}
        self.are_let_go = True
        self.leaving: set[str] = set()

    def is_free(self, name: str | None = None) -> bool:
        return not self.leaving if name is None else name not in self.leaving

    def apply(self, settings: object) -> None:
        self.files = frozenset(each.file for each in settings.devices if each.enabled)  # type: ignore[attr-defined]

    def worker_of(self, file: str) -> FakeWorker | None:
        return self.worker if file in self.files else None

    def name_of(self, file: str) -> str:
        return "/dev/ttyS0" if file in self.files else ""

    def tap(self, name: str, told: Callable[[str], None] | None) -> None:
        self.taps.pop(name, None)
        if told is not None:
            self.taps[name] = told


class Scene:
    """The part in a house without threads. Time goes on by `turn`."""

    def __init__(self, root: Path, *devices: object, auto_poll: bool = True) -> None:
        self.root = root
        self.test = TestHouse(root)
        self.house = self.test.house
        self.lines = FakeLines()
        object.__setattr__(self.house, "lines", self.lines)
        self.house.devices._lines = self.lines  # type: ignore[assignment]
        self.deliveries = Deliveries(self.house)
        self.now_s = 1000.0
        self.part = Commands(self.house, self.deliveries, clock=lambda: self.now_s)
        settings = settings_of(*(devices or (A,)), agent={"auto_poll": auto_poll})  # type: ignore[arg-type]
        self.house.devices.apply(settings)
        (root / naming.COMMANDS).mkdir(parents=True, exist_ok=True)
        self.part.apply(settings, self.now_s)

    def put(self, text: str, name: str = "x.txt") -> None:
        (self.root / naming.COMMANDS / name).write_text(text, encoding="utf-8")

    def turn(self, times: int = 1, step_s: float = 0.5) -> None:
        for _ in range(times):
            self.now_s += step_s
            self.part.tick(self.now_s)

    def run(self, text: str, name: str = "x.txt") -> list[str]:
        """Carry out a file that needs nothing from outside; its answer."""
        self.put(text, name)
        self.turn(12)
        assert not self.is_there(name), self.answer(name)
        return self.answer(name)

    def is_there(self, name: str = "x.txt") -> bool:
        return (self.root / naming.COMMANDS / name).exists()

    def answer(self, name: str = "x.txt") -> list[str]:
        path = (self.root / naming.COMMANDS / name).with_suffix(".out")
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []

    def contact(self) -> None:
        reading = Reading(NUMBER, CLOCK, {}, ({"Q1": 1.5, "T1": 70.0, "Type": "Обратка"},))
        identity = Identity("toy", "ТЕМ-104", NUMBER, None)
        self.house.devices.take(Contact(A, identity, reading, NOW, True))

    def miss(self, failures: int, *, lost: bool = False) -> None:
        self.house.devices.take(Missed("a.ini", "нет ответа", failures, lost))


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    made = Scene(tmp_path)
    yield made
    made.part.stop()


# --- files


def test_a_file_is_carried_out_line_by_line_and_is_gone_then(scene: Scene) -> None:
    assert scene.run("# first\npause 1h\n\nresume\n") == [
        "# pause 1h",
        "опрос приборов выключен командой pause до 22.11.26 10:05:30; включает команда resume",
        "# resume",
        "опрос приборов включён",
        "DONE",
    ]
    assert scene.part.ended == 1 and scene.part.lines() == []


def test_a_file_is_checked_whole_before_anything_of_it_is_done(scene: Scene) -> None:
    told = scene.run("pause\nread\n")
    assert told[0].startswith("x.txt:2: не хватает слов")
    assert told[-1] == "FAILED: ошибок 1, ничего не выполнено"
    assert scene.house.devices.polling.is_on


def test_a_line_that_fails_ends_the_file(scene: Scene) -> None:
    told = scene.run("push\npause\n")
    assert told == ["# push", "FAILED: внешних серверов нет: ни один не включён в ftp.ini"]
    assert scene.house.devices.polling.is_on
    assert "log/User/cmd/x.txt: не выполнено: внешних" in scene.test.journaled[-1]


def test_files_are_carried_out_one_after_the_other(scene: Scene) -> None:
    scene.put("trace 440020 5s\n", "a.txt")
    scene.put("pause\n", "b.txt")
    scene.turn(4)
    assert scene.part.lines() == ["a.txt: выполняется"]
    assert scene.answer("b.txt") == [] and scene.is_there("b.txt")
    scene.turn(20)
    assert scene.answer("b.txt")[-1] == scene.answer("a.txt")[-1] == "DONE"


def test_a_command_that_is_taken_away_is_broken_off(scene: Scene) -> None:
    scene.put("trace 440020 60s\npause\n")
    scene.turn(4)
    (scene.root / naming.COMMANDS / "x.txt").unlink()
    scene.turn()
    assert scene.answer()[-1] == "FAILED: отменено: файл команды удалён"
    assert scene.lines.taps == {} and scene.house.devices.polling.is_on
    assert scene.part.ended == 1


def test_the_end_of_the_agent_is_told(scene: Scene) -> None:
    scene.put("trace 440020 60s\n")
    scene.turn(4)
    scene.part.stop()
    assert scene.answer()[-1] == "FAILED: агент остановлен" and not scene.is_there()
    assert scene.lines.taps == {}


def test_an_answer_that_was_begun_by_an_earlier_run_is_ended(tmp_path: Path) -> None:
    folder = tmp_path / naming.COMMANDS
    folder.mkdir(parents=True)
    (folder / "x.txt").write_text("pause\n")
    (folder / "x.out").write_text("# pause\n")
    scene = Scene(tmp_path)
    scene.turn(6)
    assert scene.answer() == ["# pause", "FAILED: прервано перезапуском"]
    assert scene.house.devices.polling.is_on and not scene.is_there()
    assert scene.test.journaled == ["log/User/cmd/x.txt: прервано перезапуском"]


def test_settings_that_change_do_not_disturb_what_is_under_way(scene: Scene) -> None:
    scene.put("trace 440020 5s\n")
    scene.turn(4)
    scene.part.apply(settings_of(A), scene.now_s)
    scene.turn(20)
    assert scene.answer()[-1] == "DONE"


def test_on_a_full_disk_nothing_is_begun_and_it_is_tried_again(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = FailingDisk(monkeypatch)
    disk.fail(0, for_good=True)
    scene.put("resume\n")
    scene.turn(4)
    told = ["log/User/cmd/x.txt: не выполняется, ответ не записан: нет места на диске"]
    assert scene.is_there() and scene.part.lines() == told
    scene.turn(int(3 * HOLD_S / 0.5))
    assert scene.test.journaled == told, "it is tried again and again, and told once"
    disk.recover()
    scene.turn(int(HOLD_S / 0.5) + 6)
    assert scene.answer()[-1] == "DONE" and scene.part.lines() == []


def test_an_end_that_the_disk_does_not_take_is_written_later(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = FailingDisk(monkeypatch)
    scene.put("trace 440020 2s\n")
    scene.turn(3)
    begun = ["# trace 440020 2s", "# /dev/ttyS0"]
    assert scene.answer() == begun
    disk.fail(0, for_good=True)
    scene.turn(6)
    assert scene.is_there() and scene.answer() == begun
    disk.recover()
    scene.turn(int(HOLD_S / 0.5) + 2)
    assert not scene.is_there() and scene.answer() == [*begun, "DONE"]


def test_a_file_that_cannot_be_removed_is_answered_once(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = files.remove
    failed: list[Path] = []

    def remove(path: Path) -> None:
        if path.name == "x.txt" and not failed:
            failed.append(path)
            raise OSError(30, "Read-only file system")
        whole(path)

    monkeypatch.setattr(files, "remove", remove)
    scene.put("push\n")
    scene.turn(8)
    assert failed and scene.is_there()
    scene.turn(int(HOLD_S / 0.5) + 2)
    assert not scene.is_there() and scene.part.ended == 1
    assert [line.startswith("FAILED") for line in scene.answer()] == [False, True]


def test_only_what_is_accepted_is_carried_out_and_is_heard(scene: Scene) -> None:
    heard: list[str] = []
    scene.part.accepts, scene.part.heard = lambda name: name == "mine.txt", heard.append
    scene.put("pause\n", "a.txt")
    scene.run("resume\n", "mine.txt")
    assert heard == ["# resume", "опрос приборов включён", "DONE"]
    assert scene.is_there("a.txt") and scene.answer("a.txt") == []


# --- pause and resume


def test_a_pause_lets_the_lines_go_and_waits_for_it(scene: Scene) -> None:
    assert scene.lines.files == {"a.ini"}
    scene.lines.are_let_go = False
    scene.put("pause\n")
    scene.turn(6)
    assert scene.lines.files == frozenset() and scene.is_there()
    scene.lines.are_let_go = True
    scene.turn(3)
    assert scene.answer()[-1] == "DONE"
    assert scene.part.warnings() == ["опрос приборов выключен командой pause; включает команда resume"]


def test_nobody_opens_a_port_that_is_just_being_closed(scene: Scene) -> None:
    scene.run("pause\n")
    scene.lines.leaving = {"/dev/ttyS0"}
    scene.put("read 440020\n")
    scene.turn(4)
    assert scene.lines.files == frozenset()
    scene.lines.leaving = set()
    scene.turn()
    assert scene.lines.files == {"a.ini"}
    scene.contact()
    scene.lines.leaving = {"/dev/ttyS5"}
    scene.turn(2)
    assert scene.answer()[-1] == "DONE"
    scene.put("resume\n")
    scene.turn(4)
    assert scene.lines.files == frozenset()
    scene.lines.leaving = set()
    scene.turn(2)
    assert scene.lines.files == {"a.ini"}


def test_a_pause_that_is_over_polls_again_and_says_so(scene: Scene) -> None:
    scene.run("pause 60s\n")
    assert scene.lines.files == frozenset()
    scene.turn(200)
    assert scene.lines.files == {"a.ini"} and scene.part.warnings() == []
    assert scene.test.journaled[-1] == "пауза кончилась: опрос приборов включён"


def test_a_pause_that_is_over_while_the_settings_poll_nothing_does_not_say_that_they_do(tmp_path: Path) -> None:
    scene = Scene(tmp_path, auto_poll=False)
    scene.run("pause 60s\n")
    scene.turn(200)
    assert scene.test.journaled[-1] == "пауза кончилась, опрос приборов выключен: AutoPoll=0"


def test_a_pause_on_a_full_disk_acts_and_is_told_to_be_short(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = FailingDisk(monkeypatch)
    whole = scene.house.devices.polling.pause

    def full(*arguments: object) -> None:
        disk.fail(0, for_good=True)
        try:
            whole(*arguments)  # type: ignore[arg-type]
        finally:
            disk.recover()

    monkeypatch.setattr(scene.house.devices.polling, "pause", full)
    assert scene.run("pause\n")[-1] == "FAILED: опрос выключен, но только до перезапуска: нет места на диске"
    assert scene.lines.files == frozenset() and not (scene.root / PATH).exists()


# --- one device


def test_read_tells_the_values_and_their_time(scene: Scene) -> None:
    scene.put("read 440020\n")
    scene.turn(3)
    assert scene.lines.worker.polled_now == 1 and scene.is_there()
    scene.contact()
    scene.turn(3)
    assert scene.answer() == [
        "# read 440020",
        f"440020: прочитан 22.11.26 09:05:30, часы прибора {CLOCK:%d.%m.%y %H:%M:%S}",
        "S1: Q1=1.500 T1=70.00 Err=",
        "DONE",
    ]


def test_read_says_why_not(scene: Scene) -> None:
    scene.put("read 440020\n")
    scene.turn(3)
    scene.miss(1)
    scene.turn()
    assert scene.is_there(), "one answer that was lost is no failure"
    scene.miss(3)
    scene.turn(2)
    assert scene.answer()[-1] == "FAILED: прибор 440020 не прочитан: нет ответа"


def test_read_of_a_device_that_is_off_line_asks_once(scene: Scene) -> None:
    scene.miss(10, lost=True)
    scene.put("read 440020\n")
    scene.turn(3)
    assert scene.is_there()
    scene.miss(11)
    scene.turn(2)
    assert "не прочитан: нет ответа" in scene.answer()[-1]


def test_read_has_an_end_when_nothing_is_heard(scene: Scene) -> None:
    scene.put("read 440020\n")
    scene.turn(int(READ_S / 0.5) + 6)
    assert scene.answer()[-1] == "FAILED: прибор 440020 не прочитан: нет ответа"


def test_while_polling_is_off_only_what_is_read_is_polled(tmp_path: Path) -> None:
    scene = Scene(tmp_path, A, serial_device("b.ini", dev_number="2"), auto_poll=False)
    scene.put("read 440020\n")
    scene.turn(3)
    assert scene.lines.files == {"a.ini"}
    scene.contact()
    scene.turn(3)
    assert scene.answer()[-1] == "DONE" and "S1: Q1=1.500 T1=70.00 Err=" in scene.answer()
    assert scene.lines.files == frozenset()


@pytest.mark.parametrize("command", ["read", "archive", "rebuild", "trace"])
def test_a_device_that_there_is_not_and_one_that_is_off_are_told(tmp_path: Path, command: str) -> None:
    scene = Scene(tmp_path, A, serial_device("off.ini", dev_number="5", enabled=False))
    words = " 1s" if command == "trace" else ""
    assert "прибора 77 нет" in scene.run(f"{command} 77{words}\n")[-1]
    assert scene.run(f"{command} 5{words}\n")[-1] == "FAILED: прибор 5 выключен: Enabled=0 в off.ini"


def test_whoever_has_not_told_his_number_yet_is_asked_first(tmp_path: Path) -> None:
    unnamed = serial_device("a.ini")
    scene = Scene(tmp_path, unnamed, auto_poll=False)
    scene.put("read 440020\n")
    scene.turn(3)
    assert scene.lines.files == {"a.ini"}
    reading = Reading(NUMBER, CLOCK, {}, ({"Q1": 1.5},))
    for _ in range(2):
        scene.house.devices.take(Contact(unnamed, Identity("toy", "ТЕМ-104", NUMBER, None), reading, NOW, True))
        scene.turn(2)
    assert scene.answer()[-1] == "DONE"


def test_new_settings_of_the_device_end_the_command(scene: Scene) -> None:
    for line in ("read 440020", "archive 440020", "trace 440020 60s"):
        scene.house.devices.apply(settings_of(A))
        scene.put(f"{line}\n")
        scene.turn(3)
        scene.house.devices.apply(settings_of(serial_device("a.ini", dev_number=NUMBER, baud=19200)))
        scene.turn(2)
        assert scene.answer()[-1] == "FAILED: настройки прибора изменены: a.ini"
        assert scene.lines.taps == {}


def test_a_trace_is_the_exchange_of_the_line(scene: Scene) -> None:
    scene.put("trace 440020 3s\n")
    scene.turn(3)
    scene.lines.taps["/dev/ttyS0"](">> 55 01")
    scene.lines.taps["/dev/ttyS0"]("<< AA")
    scene.turn(10)
    assert scene.answer() == ["# trace 440020 3s", "# /dev/ttyS0", ">> 55 01", "<< AA", "DONE"]
    assert scene.lines.taps == {}


def test_a_trace_has_a_limit(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command_jobs, "TRACE_LIMIT_CHARACTERS", 20)
    scene.put("trace 440020 1h\n")
    scene.turn(3)
    for _ in range(3):
        scene.lines.taps["/dev/ttyS0"](">> 55 01 02 03")
    scene.turn(4)
    assert scene.answer()[-2:] == ["# обмен длиннее миллиона знаков, дальше не записан", "DONE"]


def test_a_trace_without_any_exchange_says_why(scene: Scene) -> None:
    assert scene.run("trace 440020 2s\n")[-2:] == ["# обмена не было: очередь прибора не подошла", "DONE"]
    scene.miss(1)
    assert scene.run("trace 440020 2s\n")[-2:] == ["# обмена не было: нет ответа", "DONE"]


def test_a_device_that_never_answers_ends_an_archive(scene: Scene) -> None:
    scene.put("archive 440020\n")
    scene.miss(1)
    scene.turn(300)
    assert scene.answer()[-1] == "FAILED: прибор не отвечает: нет ответа"


def test_an_archive_that_cannot_be_read_is_told(scene: Scene) -> None:
    scene.put("rebuild 440020\n")
    scene.turn(3)
    reading = Reading(NUMBER, CLOCK, {}, ({"Q1": 1.5},))
    identity = Identity("toy", "ТЕМ-104", NUMBER, None)
    scene.house.devices.take(Contact(A, identity, reading, NOW, True, "карта памяти неизвестна"))
    scene.turn(3)
    assert scene.answer()[-1] == "FAILED: архив не читается: карта памяти неизвестна"


# --- servers, files, the host


@dataclass
class FakeDelivery:
    turns: int = 0
    pushed: int = 0
    error: str = ""

    def push_now(self) -> None:
        self.pushed += 1

    def stop(self) -> None: ...

    def is_alive(self) -> bool:
        return False

    def join(self, _timeout_s: float) -> None: ...

    @property
    def state(self) -> SimpleNamespace:
        return SimpleNamespace(section="server1", host="h", error=self.error, seq=7, backlog_bytes=0)


@contextmanager
def delivering(scene: Scene, error: str = "") -> Iterator[FakeDelivery]:
    delivery = FakeDelivery(error=error)
    scene.deliveries.deliveries["server1"] = Standing(delivery, server())  # type: ignore[arg-type]
    yield delivery
    scene.deliveries.deliveries.clear()


def test_push_waits_for_what_became_of_it(scene: Scene) -> None:
    with delivering(scene) as delivery:
        scene.put("push\n")
        scene.turn(6)
        assert delivery.pushed == 1 and scene.is_there()
        delivery.turns = 1
        scene.turn(3)
    assert scene.answer() == ["# push", "server1 h: доставлено, последняя посылка №7", "DONE"]


def test_push_that_failed_says_so(scene: Scene) -> None:
    with delivering(scene, "соединение не принято") as delivery:
        scene.put("push\n")
        scene.turn(6)
        delivery.turns = 1
        scene.turn(3)
    assert scene.answer()[1:] == ["server1 h: соединение не принято", "FAILED: не доставлено: server1"]


def test_push_ends_when_servers_change_or_time_is_over(scene: Scene) -> None:
    with delivering(scene):
        scene.put("push\n")
        scene.turn(4)
    with delivering(scene):
        scene.turn(2)
    assert "доставка начата заново" in scene.answer()[-1]
    with delivering(scene):
        scene.put("push\n")
        scene.turn(4)
        scene.turn(2, step_s=PUSH_S)
        assert scene.answer()[-1] == "FAILED: за 1h доставлено не всё"


def test_push_without_a_clock_cannot_be(scene: Scene) -> None:
    scene.test.now = None
    with delivering(scene):
        assert "часы устройства не установлены" in scene.run("push\n")[-1]


def test_factory_puts_the_file_in_place_and_tells_the_watch(scene: Scene) -> None:
    path = scene.root / naming.LCD_INFO
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("mine")
    assert scene.run("factory LCD.info\n")[-1] == "DONE"
    assert path.read_bytes() == (Path("etc/factory") / naming.LCD_INFO).read_bytes()
    assert scene.test.touched == [naming.LCD_INFO]


def test_set_time_tells_what_became_of_it(scene: Scene) -> None:
    scene.part.set_time = lambda text: f"часы установлены: {text}"
    assert scene.run("set-time 1122093026\n")[1:] == ["часы установлены: 1122093026", "DONE"]


def test_export_from_a_file_goes_to_a_flash_drive_only(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "это не флеш-накопитель" in scene.run(f"export {scene.root}/else\n")[-1]
    assert not (scene.root / "else").exists()
    monkeypatch.setattr(Media, "holding", lambda _media, path: path)
    (scene.root / "drive").mkdir()
    (scene.root / "www/440020").mkdir(parents=True)
    (scene.root / "www/440020/gaps.txt").write_text("H;01.09.18 05:00:00;01.09.18 05:00:00;нет в приборе\n")
    scene.put(f"export {scene.root}/drive\n")
    _until(lambda: not scene.is_there(), scene)
    assert scene.answer()[-1] == "DONE"
    assert (scene.root / "drive" / "DONE.txt").exists()


def test_a_process_that_fails_is_told_by_its_last_line(scene: Scene) -> None:
    scene.put("report 440020 01.09.2018 02.09.2018\n")
    _until(lambda: not scene.is_there(), scene)
    assert scene.answer()[-1].startswith("FAILED: ") and "код" not in scene.answer()[-1]


def test_a_process_that_is_not_wanted_any_more_is_ended(scene: Scene) -> None:
    scene.put("autoconfig ttyS4077\n")
    scene.turn(4)
    (scene.root / naming.COMMANDS / "x.txt").unlink()
    scene.turn()
    assert scene.answer()[-1] == "FAILED: отменено: файл команды удалён"


def _until(condition: Callable[[], bool], scene: Scene) -> None:
    end_s = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end_s, scene.answer()
        scene.turn(step_s=0.01 if scene.now_s > 1000 + 2 * QUIET_S else 0.5)
        time.sleep(0.01)


def test_progress_is_told_now_and_then(scene: Scene) -> None:
    scene.put("trace 440020 1h\n")
    scene.turn(3)
    for _ in range(100):
        scene.part._progress("дальше")
        scene.now_s += PROGRESS_S / 10
    assert scene.answer().count("… дальше") == 10
