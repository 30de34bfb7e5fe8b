"""A module on a pseudo terminal: every record of the window arrives once, through faults and restarts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from drivers.emulated.rak811 import Module as Emulated
from engine import lora as module_under_test
from engine.emulate import PtyServer
from engine.emulate.line import Line
from engine.errors import LineDown
from engine.formats.archive import Head, head_text, record_text
from engine.formats.lora import Assembled, assemble, decode
from engine.line.link import SerialLink
from engine.lora import NOTES, Module
from engine.lora.air import time_on_air_s
from engine.lora.archive_tail import newest_records
from engine.lora.queue import Waiting, newest, notes_text, read_notes, unsent
from engine.model import Record, RecType
from engine.naming import archive_path
from engine.settings import DeviceSettings
from engine.settings.lora import LoraSettings
from tests.fake.leaks import nothing_left
from tests.fake.toy_driver import device_settings

PATIENCE_S = 30.0
FIRST = datetime(2018, 9, 1)
OWN = LoraSettings(app_eui="a" * 16, app_key="b" * 32, duty_percent=100.0, pause_s=1, hours=2)


def store(root: Path, dev_number: str, rec_type: RecType, count: int) -> None:
    step = timedelta(days=1) if rec_type is RecType.DAY else timedelta(hours=1)
    for place in range(count):
        values = {"Q1": 1000.0 + place, "dQ1": 1.0, "T1": 70.25, "P1": None, "Tall": 24.0 * place, "Err": "0"}
        record = Record(rec_type, FIRST + place * step, tuple(values for _ in range(3)))
        path = root / archive_path(dev_number, rec_type, record.stamp)
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_text(head_text(Head(dev_number, "ТЕМ-104", dev_number, 3)))
        with path.open("a") as file:
            file.write(record_text(place + 1, record))


@contextmanager
def running(root: Path, emulated: Emulated, own: LoraSettings = OWN) -> Iterator[Module]:
    emulated.delays = False
    crashes: list[str] = []
    with nothing_left(), PtyServer(Line(emulated, baud=0)) as server:
        settings: DeviceSettings = replace(device_settings(file="lora.ini", port=server.device), baud=115200, lora=own)
        link = SerialLink(server.device)
        module = Module(root, settings, link, lambda: ("440020", "7"), lambda *told: crashes.append(told[1]))
        module.start()
        try:
            yield module
        finally:
            module.stop()
            module.join(PATIENCE_S)
            assert not module.is_alive()
    assert crashes == []


def until(done: Callable[[], bool], what: Callable[[], object]) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < deadline_s, what()
        time.sleep(0.01)


def through(module: Module, state: str = "новых нет") -> None:
    until(lambda: state in module.state, lambda: module.state)


def arrived(emulated: Emulated) -> list[Assembled]:
    return assemble(decode(payload) for _, _, payload in emulated.uplinks)


def names(records: list[Assembled]) -> list[tuple[str, str, str]]:
    return [(each.dev_number, dict(each.fields)["RecType"], dict(each.fields)["DateTime"]) for each in records]


WINDOW = [
    ("440020", "D", "05.09.18 00:00:00"), ("7", "D", "05.09.18 00:00:00"), ("440020", "D", "04.09.18 00:00:00"),
    ("7", "D", "04.09.18 00:00:00"), ("440020", "D", "03.09.18 00:00:00"), ("7", "D", "03.09.18 00:00:00"),
    ("440020", "H", "01.09.18 01:00:00"), ("440020", "H", "01.09.18 00:00:00"),
]  # fmt: skip


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The emulated module takes no time on the air."""
    monkeypatch.setattr(module_under_test, "time_on_air_s", lambda *_: 0.0)
    store(tmp_path, "440020", RecType.DAY, 5)
    store(tmp_path, "7", RecType.DAY, 5)
    store(tmp_path, "440020", RecType.HOUR, 2)
    return tmp_path


@pytest.mark.parametrize("firmware", [2, 3])
@pytest.mark.parametrize("confirmed", [False, True])
def test_the_newest_records_of_all_devices_arrive_once_and_whole(root: Path, firmware: int, confirmed: bool) -> None:
    emulated = Emulated(firmware)
    with running(root, emulated, replace(OWN, confirmed=confirmed)) as module:
        through(module)
    records = arrived(emulated)
    assert names(records) == WINDOW and all(each.is_complete for each in records)
    assert records[0].record.systems[2]["Q1"] == 1004.0 and records[0].record.systems[0]["P1"] is None
    assert {(port, wanted) for port, wanted, _ in emulated.uplinks} == {(2, confirmed)}
    assert max(len(payload) for _, _, payload in emulated.uplinks) <= 51
    assert emulated.joins == 1


def test_after_a_restart_nothing_is_sent_again_but_what_is_new(root: Path) -> None:
    first, second = Emulated(3), Emulated(3)
    with running(root, first) as module:
        through(module)
    store_one_more(root)
    with running(root, second) as module:
        until(lambda: bool(second.uplinks), lambda: module.state)
        through(module)
    assert names(arrived(second)) == [("440020", "D", "06.09.18 00:00:00")]
    notes = (root / NOTES / "lora.ini.txt").read_text().splitlines()
    assert len(notes) == len(WINDOW) and "440020;D;03.09.18 00:00:00;1" not in notes


def store_one_more(root: Path) -> None:
    path = root / archive_path("440020", RecType.DAY, FIRST)
    with path.open("a") as file:
        file.write(record_text(6, Record(RecType.DAY, FIRST + timedelta(days=5), ({"Q1": 1005.0},))))


def test_a_restart_in_the_middle_loses_no_record(root: Path) -> None:
    whole: list[Assembled] = []
    for turn in range(40):
        emulated = Emulated(2, faults=[""] * turn + ["silent"])
        with running(root, emulated) as module:
            until(lambda: len(emulated.uplinks) >= turn or module.failed != "" or "новых нет" in module.state,  # noqa: B023
                  lambda: module.state)  # fmt: skip
        whole += [each for each in arrived(emulated) if each.is_complete]
        if "новых нет" in module.state:
            break
    assert set(names(whole)) == set(WINDOW)


@pytest.mark.parametrize("firmware", [2, 3])
@pytest.mark.parametrize("fault", ["unheard", "busy", "forgotten", "too_long"])
def test_a_fault_of_the_air_costs_no_record(root: Path, firmware: int, fault: str) -> None:
    emulated = Emulated(firmware, faults=["", "", fault, "", fault, fault])
    with running(root, emulated) as module:
        through(module)
    assert set(names([each for each in arrived(emulated) if each.is_complete])) == set(WINDOW)
    assert emulated.joins == (4 if fault == "forgotten" else 1)


def test_a_network_that_lowered_the_rate_gets_smaller_frames(root: Path) -> None:
    emulated = Emulated(3, longest_bytes=51)
    with running(root, emulated, replace(OWN, data_rate=3)) as module:
        through(module)
    assert [each for each in names(arrived(emulated)) if each not in WINDOW] == []
    assert all(len(payload) <= 51 for _, _, payload in emulated.uplinks)


def test_a_network_that_does_not_let_the_module_in_is_told_and_asked_again(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module_under_test, "FIRST_PAUSE_S", 0.05)
    emulated = Emulated(3, refused_joins=4)
    with running(root, emulated) as module:
        until(lambda: module.failed == "вход в сеть не удался (ошибка 99)", lambda: module.state)
        through(module)
    assert names(arrived(emulated)) == WINDOW and emulated.joins == 5


def test_a_module_that_says_nothing_and_a_port_that_is_not_there_are_told(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.lora.at.COMMAND_S", 0.05)

    class Mute(Emulated):
        def pieces(self, data: bytes) -> list[tuple[float, bytes]]:
            self.heard.append(data.decode())
            return []

    with running(root, Mute(3)) as module:
        until(lambda: "at+version" in module.failed, lambda: module.state)

    class Gone:
        def open(self, _baud: int) -> None:
            raise LineDown("порт не открывается: такого порта нет")

        def close(self) -> None:
            pass

    module = Module(root, replace(device_settings(file="x.ini"), lora=OWN), Gone(), tuple, lambda *_: None)  # type: ignore[arg-type]
    module.start()
    until(lambda: "такого порта нет" in module.failed, lambda: module.state)
    module.stop()
    module.join(PATIENCE_S)


def test_a_rate_at_which_no_record_fits_is_told(root: Path) -> None:
    with running(root, Emulated(3), replace(OWN, region="US915")) as module:
        through(module, "нужна скорость больше")


def test_the_share_of_the_air_is_kept_also_across_a_restart(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr(module_under_test, "time_on_air_s", time_on_air_s)
    monkeypatch.setattr(Module, "_wait_until", lambda _, moment_s: waits.append(moment_s - time.monotonic()))
    own = replace(OWN, duty_percent=1.0)
    with running(root, Emulated(3), own) as module:
        through(module)
    before_frames = waits[::2]
    assert before_frames[0] <= 0 and all(100 < each < 300 for each in before_frames[1:])
    waits.clear()
    store_one_more(root)
    with running(root, Emulated(3), own) as module:
        through(module)
    assert 100 < waits[0] < 300


def test_the_module_is_not_set_up_again_before_each_transmission(root: Path) -> None:
    emulated = Emulated(2)
    with running(root, emulated) as module:
        through(module)
        store_one_more(root)
        until(lambda: len(arrived(emulated)) > len(WINDOW), lambda: module.state)
    assert sum("app_key" in line for line in emulated.heard) == 1


# --- the window and the notes


def test_the_newest_records_are_found_over_the_border_of_two_files(tmp_path: Path) -> None:
    store(tmp_path, "7", RecType.HOUR, 24 * 31)
    found = newest_records(tmp_path, "7", RecType.HOUR, 30)
    assert [record.stamp for record in found] == [FIRST + timedelta(hours=743 - place) for place in range(30)]
    assert len(newest_records(tmp_path, "7", RecType.HOUR, 744)) == 744
    assert newest_records(tmp_path, "7", RecType.DAY, 3) == newest_records(tmp_path, "8", RecType.DAY, 3) == []
    assert newest_records(tmp_path, "7", RecType.HOUR, 0) == []


def test_a_record_with_an_impossible_date_costs_no_other(tmp_path: Path) -> None:
    store(tmp_path, "7", RecType.HOUR, 5)
    path = tmp_path / archive_path("7", RecType.HOUR, FIRST)
    path.write_bytes(path.read_bytes().replace(b"DateTime=01.09", b"DateTime=41.09", 1))
    assert len(newest_records(tmp_path, "7", RecType.HOUR, 10)) == 4


def test_newest_is_by_the_stamp_and_days_go_before_hours() -> None:
    def record(rec_type: str, day: int) -> Waiting:
        return Waiting("7", (("RecType", rec_type), ("DateTime", f"{day:02}.09.18 00:00:00")))

    days = [record("D", day) for day in (3, 1, 2)]
    assert newest(days, 2) == [days[0], days[2]]
    assert newest(days, 0) == []
    hours = [record("H", 9)]
    assert unsent([*hours, *days], frozenset((days[1].note,))) == [days[0], days[2], hours[0]]


def test_notes_are_read_as_they_were_written_and_a_torn_line_is_none() -> None:
    notes = frozenset(("440020;D;03.09.18 00:00:00;1", "7;H;03.09.18 01:00:00;2"))
    assert read_notes(notes_text(notes)) == notes
    assert read_notes(notes_text(notes)[:-1]) == {"440020;D;03.09.18 00:00:00;1"}
    assert read_notes(b"\xff\nx\n") == frozenset()
