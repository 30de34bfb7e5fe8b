from __future__ import annotations

import errno
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

from engine import files
from engine.delivery import Delivery, DeliveryState, handover
from engine.delivery.cursor import Choice, InFlight, Parcel, Target, cursor_path, read, write
from engine.delivery.outbox import Outbox
from engine.errors import DeliveryFailed
from engine.formats.archive import Head, head_text, record_text
from engine.formats.drop import Drop, DropInfo, drop_ini, pack, read_drop
from engine.model import Record, RecType
from engine.push import Session
from engine.settings import Server
from tests.fake.debian_servers import vsftpd
from tests.fake.far_server import FarServer, PowerCut

SERVER = Server(
    "server1", True, "ftp.example.org", 21, "tsm", "secret", "/in", 60, ("linux", "dos"), True, 0, "utf-8", 30.0
)
NOW = datetime(2026, 11, 22, 8, 27).astimezone()
FILE = "440020/H-2018-09.txt"


class Site:
    """One agent at its place: the archive on the disk, the server far away, a delivery that may be made anew."""

    def __init__(self, root: Path, *, limit: int = 4_000_000) -> None:
        self.root = root
        self.far = FarServer()
        self.connect: Callable[[Server], handover.Session] = lambda _server: self.far
        self.limit = limit
        self.server = SERVER
        self.number = 1
        self.now = NOW
        self.told: list[DeliveryState] = []
        self.stored = 0
        self.delivery = self.restart()

    def restart(self) -> Delivery:
        """As after a power cut: only files are left."""
        self.delivery = Delivery(
            self.server,
            self.number,
            root=self.root,
            outbox=Outbox(self.root, event_date="ymd", dos_encoding="cp1251", text_limit_bytes=self.limit),
            connect=self.connect,
            now=lambda: self.now,
            clock_plausible=lambda: True,
            told=self.told.append,
            crashed=lambda name, trace: pytest.fail(f"{name}: {trace}"),
        )
        return self.delivery

    def store(self, count: int, path: str = FILE) -> None:
        """So many further records, each with a number of its own as its powered time."""
        place = self.root / "www" / path
        place.parent.mkdir(parents=True, exist_ok=True)
        text = "" if place.exists() else head_text(Head("Котельная", "ТЭМ-104", "440020", 1))
        for _ in range(count):
            self.stored += 1
            stamp = datetime(2018, 9, 1) + timedelta(hours=self.stored)
            text += record_text(self.stored, Record(RecType.HOUR, stamp, ({"Tall": float(self.stored)},)))
        with place.open("ab") as file:
            file.write(text.encode())

    @property
    def cursor_file(self) -> Path:
        server = self.server
        return self.root / cursor_path(Target(server.host, server.port, server.user, server.directory))

    def drops(self, variant: str, number: int = 1) -> list[Drop]:
        """What a reader of one variant finds of this agent, by seq."""
        names = sorted(name for name in self.far.files if fnmatch(name, f"{number}_*_{variant}.zip"))
        return [read_drop(self.far.files[name]) for name in names if self.far.files[name] != b"of another"]


def records(drops: Iterable[Drop]) -> list[int]:
    texts = [block.text for drop in drops for file in drop.records.values() for block in file.blocks]
    return [round(float(text.split("S1Tall=")[1].split("\n")[0])) for text in texts]


def seqs(drops: Iterable[Drop]) -> list[int]:
    return [drop.info.seq for drop in drops]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


# --- one drop after another


def test_every_turn_is_a_drop_also_without_records(site: Site) -> None:
    site.store(3)
    assert site.delivery.turn()
    assert site.delivery.turn()
    site.store(2)
    assert site.delivery.turn()
    for variant in ("linux", "dos"):
        drops = site.drops(variant)
        assert seqs(drops) == [1, 2, 3]
        assert [records([drop]) for drop in drops] == [[1, 2, 3], [], [4, 5]]
        assert {drop.info.start for drop in drops} == {"22.11.26 08:27:00"}
    assert site.far.closed == 3


def test_drops_follow_one_another_in_one_session_until_nothing_remains(tmp_path: Path) -> None:
    site = Site(tmp_path, limit=100)
    site.store(5)
    assert site.delivery.turn()
    assert records(site.drops("linux")) == [1, 2, 3, 4, 5]
    assert len(site.drops("linux")) > 2
    assert site.far.steps.count("open") == 1


def test_the_order_is_free_names_note_send_look_strike(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.store(1)
    real = files.write_whole

    def noted(path: Path, data: bytes, *, synced: bool) -> bool:
        assert synced
        site.far.steps.append("noted" if b"[in flight]" in data else "struck out")
        return real(path, data, synced=synced)

    monkeypatch.setattr(files, "write_whole", noted)
    assert site.delivery.turn()
    linux, dos = "1_00000001_linux.zip", "1_00000001_dos.zip"
    assert site.far.steps == [
        "open", "list", f"exists {linux}", f"exists {dos}", "noted",
        f"part {linux}", f"rename {linux}", f"check {linux}", f"part {dos}", f"rename {dos}", f"check {dos}",
        "struck out",
    ]  # fmt: skip


def test_a_restart_goes_on_where_it_stopped(site: Site) -> None:
    site.store(3)
    assert site.delivery.turn()
    site.restart()
    site.store(2)
    assert site.delivery.turn()
    assert [records([drop]) for drop in site.drops("dos")] == [[1, 2, 3], [4, 5]]
    assert seqs(site.drops("dos")) == [1, 2]


def test_other_variants_and_another_section_go_on_where_it_stopped(site: Site) -> None:
    site.store(3)
    assert site.delivery.turn()
    site.server = Server(**{**_fields(SERVER), "variants": ("dos",), "section": "server3", "interval_s": 5})
    site.restart()
    site.store(2)
    assert site.delivery.turn()
    assert [records([drop]) for drop in site.drops("dos")] == [[1, 2, 3], [4, 5]]
    assert seqs(site.drops("linux")) == [1]


def test_another_directory_gets_everything_from_seq_1(site: Site) -> None:
    site.store(3)
    assert site.delivery.turn()
    site.server = Server(**{**_fields(SERVER), "directory": "/other"})
    site.far = FarServer()
    site.restart()
    assert site.delivery.turn()
    assert records(site.drops("linux")) == [1, 2, 3]
    assert seqs(site.drops("linux")) == [1]


def _fields(server: Server) -> dict[str, object]:
    return {name: getattr(server, name) for name in Server.__slots__}


def test_an_archive_file_that_vanished_leaves_no_hole_in_the_count(site: Site) -> None:
    site.store(3)
    site.store(2, "440020/H-2018-10.txt")
    assert site.delivery.turn()
    (site.root / "www" / FILE).unlink()
    site.store(1, "440020/H-2018-10.txt")
    assert site.delivery.turn()
    assert seqs(site.drops("linux")) == [1, 2]
    assert [records([drop]) for drop in site.drops("linux")] == [[1, 2, 3, 4, 5], [6]]
    assert list(read(site.cursor_file.read_text("utf-8")).positions) == ["440020/H-2018-10.txt"]


# --- failures


def _steps_of_a_delivery(tmp_path: Path) -> int:
    site = Site(tmp_path / "count", limit=100)
    site.store(4)
    assert site.delivery.turn()
    return len(site.far.steps)


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("lists", [True, False])
@pytest.mark.parametrize("crash", [True, False])
def test_whatever_step_breaks_every_record_arrives_once_and_the_count_has_no_hole(
    late: bool, lists: bool, crash: bool, tmp_path: Path
) -> None:
    for step in range(_steps_of_a_delivery(tmp_path)):
        site = Site(tmp_path / f"{step}", limit=100)
        site.far.lists = site.far.gives_out = lists
        site.far.late = late
        site.far.breaks = {step: PowerCut() if crash else DeliveryFailed("соединение разорвано")}
        site.store(4)
        _break(site, crash)
        site.far.breaks = {}
        site.store(2)
        assert site.delivery.turn()
        for variant in ("linux", "dos"):
            drops = site.drops(variant)
            assert records(drops) == [1, 2, 3, 4, 5, 6], (step, variant, site.far.steps)
            assert seqs(drops) == list(range(1, len(drops) + 1))
            assert len({drop.info.start for drop in drops}) == 1
        assert not [name for name in site.far.files if name.endswith(".part")]


def _break(site: Site, crash: bool) -> None:
    if crash:
        with pytest.raises(PowerCut):
            site.delivery.turn()
        site.now += timedelta(hours=1)
        site.restart()
    else:
        assert not site.delivery.turn()
        assert site.told[-1].error == "соединение разорвано"


@pytest.mark.parametrize("write_number", range(6))
@pytest.mark.parametrize("done", [True, False])
@pytest.mark.parametrize("crash", [True, False])
def test_a_cursor_that_cannot_be_written_loses_and_doubles_nothing(
    write_number: int, done: bool, crash: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Site(tmp_path, limit=100)
    site.store(3)
    real = files.write_whole
    left = [write_number]

    def full(path: Path, data: bytes, *, synced: bool) -> bool:
        left[0] -= 1
        if left[0] != -1:
            return real(path, data, synced=synced)
        if done:
            real(path, data, synced=synced)
        raise PowerCut if crash else OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files, "write_whole", full)
    if crash:
        with pytest.raises(PowerCut):
            site.delivery.turn()
        site.restart()
    else:
        assert not site.delivery.turn()
        assert site.told[-1].error == "нет места на диске"
    assert site.delivery.turn()
    assert site.told[-1].error == ""
    for variant in ("linux", "dos"):
        assert records(site.drops(variant)) == [1, 2, 3]
        assert seqs(site.drops(variant)) == list(range(1, len(site.drops(variant)) + 1))


def test_a_note_that_stood_already_is_synced_all_the_same(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.store(3)
    real = files.write_whole
    synced: list[Path] = []

    def unsure(path: Path, data: bytes, *, synced: bool) -> bool:
        real(path, data, synced=synced)
        return False

    monkeypatch.setattr(files, "write_whole", unsure)
    monkeypatch.setattr(files, "sync", synced.append)
    assert site.delivery.turn()
    assert synced.count(site.cursor_file) == 2
    assert site.cursor_file.parent in synced


def test_a_repeat_has_the_noted_records_whatever_was_stored_meanwhile(site: Site) -> None:
    site.store(3)
    site.far.breaks = {5: DeliveryFailed("нет ответа 30 с")}
    assert not site.delivery.turn()
    site.store(4)
    site.restart()
    assert site.delivery.turn()
    assert [records([drop]) for drop in site.drops("linux")] == [[1, 2, 3], [4, 5, 6, 7]]


def test_a_repeat_keeps_number_and_variants_of_the_drop_in_flight(site: Site) -> None:
    site.store(3)
    site.far.breaks = {5: DeliveryFailed("нет ответа 30 с")}
    assert not site.delivery.turn()
    site.server = Server(**{**_fields(SERVER), "variants": ("dos",)})
    site.number = 2
    site.restart()
    assert site.delivery.turn()
    assert [records(site.drops(variant)) for variant in ("linux", "dos")] == [[1, 2, 3], [1, 2, 3]]
    assert seqs(site.drops("dos", number=2)) == [2]


def test_a_drop_in_flight_whose_file_vanished_goes_with_what_remains_and_is_told(site: Site) -> None:
    site.store(3)
    site.store(2, "440020/H-2018-10.txt")
    site.far.breaks = {5: DeliveryFailed("нет ответа 30 с")}
    assert not site.delivery.turn()
    (site.root / "www" / FILE).unlink()
    assert site.delivery.turn()
    assert records(site.drops("linux")) == [4, 5]
    assert seqs(site.drops("linux")) == [1, 2]
    assert any("записи пропали с диска" in notice for state in site.told for notice in state.notices)


def test_a_failed_turn_is_told_and_leaves_the_cursor_alone(site: Site) -> None:
    site.store(3)
    site.far.breaks = {0: DeliveryFailed("вход: отказ: 530 no")}
    assert not site.delivery.turn()
    waiting = (site.root / "www" / FILE).stat().st_size
    assert site.told[-1] == DeliveryState(
        "server1", "ftp.example.org", error="вход: отказ: 530 no", backlog_bytes=waiting
    )
    assert not site.cursor_file.exists()
    assert site.delivery.turn()
    assert site.told[-1] == DeliveryState("server1", "ftp.example.org", delivered=NOW, seq=1)
    assert site.far.closed == 2


def test_what_nobody_expected_is_not_swallowed(site: Site) -> None:
    site.far.breaks = {2: ZeroDivisionError()}
    with pytest.raises(ZeroDivisionError):
        site.delivery.turn()
    assert site.far.closed == 1


# --- clashes


def test_names_of_another_are_left_alone_and_the_count_goes_on_above_them(site: Site) -> None:
    site.store(3)
    assert site.delivery.turn()
    site.far.files["1_00000002_dos.zip"] = site.far.files["1_00000120_linux.zip"] = b"of another"
    site.store(2)
    site.now += timedelta(hours=1)
    assert site.delivery.turn()
    site.store(1)
    assert site.delivery.turn()
    for variant in ("linux", "dos"):
        assert [(drop.info.seq, drop.info.start, *records([drop])) for drop in site.drops(variant)] == [
            (1, "22.11.26 08:27:00", 1, 2, 3),
            (121, "22.11.26 09:27:00", 4, 5),
            (122, "22.11.26 09:27:00", 6),
        ]
    assert site.far.files["1_00000002_dos.zip"] == site.far.files["1_00000120_linux.zip"] == b"of another"
    assert site.told[-1].clash.startswith("Number=1 на сервере уже занят: 1_00000002_dos.zip")


@pytest.mark.parametrize("lists", [True, False])
def test_a_count_that_begins_goes_above_what_is_there(lists: bool, site: Site) -> None:
    for seq in range(1, 12):
        site.far.files[f"1_{seq:08d}_linux.zip"] = b"of another"
    site.far.lists = lists
    site.store(3)
    assert site.delivery.turn()
    assert seqs(site.drops("linux")) == seqs(site.drops("dos"))
    assert seqs(site.drops("linux"))[0] >= 12
    assert records(site.drops("linux")) == [1, 2, 3]
    assert "счёт начат заново" in site.told[-1].clash


def test_a_lost_var_begins_a_new_count_above_the_old_one(site: Site) -> None:
    site.store(3)
    assert site.delivery.turn()
    assert site.delivery.turn()
    site.cursor_file.unlink()
    site.now += timedelta(hours=1)
    site.restart()
    assert site.delivery.turn()
    assert [(drop.info.seq, drop.info.start) for drop in site.drops("linux")] == [
        (1, "22.11.26 08:27:00"), (2, "22.11.26 08:27:00"), (3, "22.11.26 09:27:00"),
    ]  # fmt: skip
    assert records(site.drops("linux")[2:]) == [1, 2, 3]


@pytest.mark.parametrize("damage", [b"", b"\xff\xfe", b"; delivery cursor 1\n[cursor]\nNextSeq=1\n"])
def test_a_damaged_cursor_is_kept_aside_told_and_never_guessed_over(damage: bytes, site: Site) -> None:
    site.store(3)
    assert site.delivery.turn()
    site.cursor_file.write_bytes(damage)
    site.restart()
    assert site.delivery.turn()
    assert seqs(site.drops("linux")) == [1, 2]
    assert site.cursor_file.with_suffix(".damaged").read_bytes() == damage
    assert "отложен как cursor.damaged" in site.told[-1].notices[0]


def test_a_cursor_of_another_server_is_not_followed(site: Site) -> None:
    site.store(3)
    assert site.delivery.turn()
    text = site.cursor_file.read_text("utf-8")
    other = read(text)
    foreign = write(type(other)(Target("other", 21, "tsm", "/in"), 50, other.start, other.positions))
    site.cursor_file.write_text(foreign, "utf-8")
    site.restart()
    assert site.delivery.turn()
    assert seqs(site.drops("linux")) == [1, 2]
    assert "другого сервера" in site.told[-1].notices[0]


@pytest.mark.parametrize("what", ["garbage", "other start", "other number", "other variant"])
def test_the_drop_in_flight_meets_a_foreign_file_and_gets_a_new_name(what: str, site: Site) -> None:
    site.store(3)
    site.far.breaks = {5: DeliveryFailed("нет ответа 30 с")}
    assert not site.delivery.turn()
    foreign = {"other start": (1, "linux", "x"), "other number": (9, "linux", ""), "other variant": (1, "dos", "")}
    number, variant, start = foreign.get(what, (0, "", ""))
    info = DropInfo(number, 1, variant, start or "22.11.26 08:27:00", "ymd", "utf-8")
    data = pack([("drop.ini", [drop_ini(info).encode()])]) if variant else b"of another"
    site.far.files["1_00000001_linux.zip"] = data
    site.store(2)
    assert site.delivery.turn()
    assert site.far.files["1_00000001_linux.zip"] == data
    assert records(site.drops("dos")) == [1, 2, 3, 4, 5]
    assert seqs(site.drops("dos")) == [2, 3]
    assert records(drop for drop in site.drops("linux") if drop.info.seq > 1) == [1, 2, 3, 4, 5]


def test_where_nothing_may_be_read_a_part_that_is_left_tells_a_foreign_name(site: Site) -> None:
    site.far.gives_out = False
    site.store(3)
    site.far.breaks = {5: DeliveryFailed("нет ответа 30 с")}
    assert not site.delivery.turn()
    assert "1_00000001_linux.zip.part" in site.far.files
    site.far.files["1_00000001_linux.zip"] = b"of another"
    assert site.delivery.turn()
    assert site.far.files["1_00000001_linux.zip"] == b"of another"
    assert records(site.drops("linux")) == records(site.drops("dos")) == [1, 2, 3]


def test_where_nothing_may_be_read_no_variant_counts_as_arrived_behind_a_foreign_one(site: Site) -> None:
    site.far.gives_out = False
    site.store(3)
    site.far.breaks = {5: DeliveryFailed("нет ответа 30 с")}
    assert not site.delivery.turn()
    foreign = {f"1_00000001_{variant}.zip": b"of another" for variant in ("linux", "dos")}
    site.far.files.update(foreign)
    assert site.delivery.turn()
    assert {name: site.far.files[name] for name in foreign} == foreign
    assert records(site.drops("linux")) == records(site.drops("dos")) == [1, 2, 3]


def test_a_variant_that_arrived_is_not_sent_again_under_a_new_name(site: Site) -> None:
    site.store(3)
    site.far.breaks = {8: DeliveryFailed("нет ответа 30 с")}
    assert not site.delivery.turn()
    assert "1_00000001_linux.zip" in site.far.files
    site.far.files["1_00000001_dos.zip"] = b"of another"
    assert site.delivery.turn()
    assert records(site.drops("linux")) == [1, 2, 3]
    assert records(site.drops("dos")) == [1, 2, 3]


def test_a_name_taken_while_the_data_went_is_left_alone_at_once(site: Site) -> None:
    site.store(3)
    real = site.far.rename

    def race(name: str, size: int) -> None:
        site.far.files[name] = b"of another"
        site.far.rename = real  # type: ignore[method-assign]
        real(name, size)

    site.far.rename = race  # type: ignore[method-assign]
    assert site.delivery.turn()
    assert site.far.files["1_00000001_linux.zip"] == b"of another"
    assert records(site.drops("linux")) == records(site.drops("dos")) == [1, 2, 3]
    assert seqs(site.drops("linux")) == [2]


def test_where_nothing_may_be_read_a_drop_of_another_size_is_another_s(site: Site) -> None:
    """The process ended before the renaming, and the other board's renaming took the `.part` along."""
    site.far.gives_out = False
    site.store(3)
    site.far.breaks = {5: PowerCut()}
    with pytest.raises(PowerCut):
        site.delivery.turn()
    site.far.files = {"1_00000001_linux.zip": b"of another"}
    site.restart()
    assert site.delivery.turn()
    assert site.far.files["1_00000001_linux.zip"] == b"of another"
    assert records(site.drops("linux")) == records(site.drops("dos")) == [1, 2, 3]


@pytest.mark.parametrize("sizes", [True, False])
def test_where_nothing_may_be_read_a_name_that_was_never_asked_for_is_another_s(sizes: bool, site: Site) -> None:
    site.far.gives_out, site.far.sizes = False, sizes
    site.store(3)
    site.far.breaks = {4: DeliveryFailed("нет ответа 30 с")}
    assert not site.delivery.turn()
    taken = bytes(read(site.cursor_file.read_text("utf-8")).in_flight.sizes[0])  # type: ignore[union-attr]
    site.far.files["1_00000001_linux.zip"] = taken
    assert site.delivery.turn()
    assert site.far.files.pop("1_00000001_linux.zip") == taken
    assert records(site.drops("linux")) == records(site.drops("dos")) == [1, 2, 3]


def test_a_server_that_takes_files_and_cannot_give_them_back_gets_its_drops(site: Site) -> None:
    """Its lines break at each reading: after a few nothing is read back any more."""
    site.store(3)
    site.far.holds = site.far.fetch = lambda *_: _raise(DeliveryFailed("сверка: нет ответа 30 с"))  # type: ignore[method-assign,assignment,return-value]
    turns = 0
    while not site.delivery.turn():
        turns += 1
        assert turns < 10
    assert records(site.drops("linux")) == records(site.drops("dos")) == [1, 2, 3]
    assert {drop.info.start for drop in site.drops("linux")} == {"22.11.26 08:27:00"}


def _raise(error: Exception) -> None:
    raise error


def test_a_clash_is_told_through_a_restart_for_a_week_and_only_for_its_number(site: Site) -> None:
    site.far.files["1_00000001_linux.zip"] = b"of another"
    site.store(3)
    assert site.delivery.turn()
    told = site.told[-1].clash
    assert told.startswith("Number=1 на сервере уже занят: 1_00000001_linux.zip")
    site.now += timedelta(days=6)
    site.restart()
    assert site.delivery.turn()
    assert site.told[-1].clash == told
    site.number = 2
    site.restart()
    assert site.delivery.turn()
    assert site.told[-1].clash == ""
    site.number = 1
    site.now += timedelta(days=2)
    site.restart()
    assert site.delivery.turn()
    assert site.told[-1].clash == ""


def test_a_real_server_that_was_away_gets_everything_when_it_is_back(tmp_path: Path) -> None:
    site = Site(tmp_path / "site", limit=200)
    with vsftpd(tmp_path) as real:
        site.server = Server(
            **{**_fields(SERVER), "host": real.host, "port": real.port, "user": real.user, "directory": "in/1"}
        )
        site.connect = Session
        delivery = site.restart()
        site.store(3)
        assert delivery.turn()
        real.stop()
        site.store(4)
        assert not delivery.turn()
        assert site.told[-1].error == "вход: сервер не принимает соединение"
        assert site.told[-1].backlog_bytes > 0
        real.start()
        assert delivery.turn()
        site.far.files = {path.name: path.read_bytes() for path in (real.folder / "in/1").iterdir()}
    assert records(site.drops("linux")) == records(site.drops("dos")) == [1, 2, 3, 4, 5, 6, 7]
    assert site.told[-1].backlog_bytes == 0


# --- the thread


class Recorder:
    """Waits for states that the thread tells."""

    def __init__(self) -> None:
        self.states: list[DeliveryState] = []
        self._changed = threading.Condition()

    def __call__(self, state: DeliveryState) -> None:
        with self._changed:
            self.states.append(state)
            self._changed.notify_all()

    def wait(self, wanted: Callable[[DeliveryState], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: any(map(wanted, self.states)), 20)


class NoArchive:
    """An outbox with nothing in it."""

    def backlog_bytes(self, positions: Mapping[str, int]) -> int:
        return 0 * len(positions)

    def gone(self, paths: Iterable[str]) -> frozenset[str]:
        return frozenset(paths)

    def choose(self, positions: Mapping[str, int]) -> Choice:
        assert not positions
        return Choice((), more=False)

    def build(self, drop: InFlight) -> Parcel:
        return Parcel(dict.fromkeys(drop.variants, b"zip"), drop.ranges)


def threaded(root: Path, far: FarServer, told: Recorder, **changes: object) -> Delivery:
    parts: dict[str, object] = {
        "root": root, "outbox": NoArchive(), "connect": lambda _server: far, "now": lambda: NOW,
        "clock_plausible": lambda: True, "told": told, "crashed": lambda _name, _trace: None,
    }  # fmt: skip
    return Delivery(SERVER, 1, **{**parts, **changes})  # type: ignore[arg-type]


def test_push_now_wakes_the_thread_and_stop_ends_it(tmp_path: Path) -> None:
    told, far = Recorder(), FarServer()
    delivery = threaded(tmp_path, far, told)
    delivery.start()
    assert delivery.name == "delivery server1"
    for seq in (1, 2, 3):
        delivery.push_now()
        told.wait(lambda state, seq=seq: state.seq == seq and state.delivered == NOW)
    delivery.stop()
    delivery.join(10)
    assert not delivery.is_alive()


def test_a_drop_in_flight_goes_at_once_after_the_start(tmp_path: Path) -> None:
    told, far = Recorder(), FarServer()
    far.breaks = {5: DeliveryFailed("нет ответа 30 с")}
    assert not threaded(tmp_path, far, told).turn()
    delivery = threaded(tmp_path, far, told)
    delivery.start()
    told.wait(lambda state: state.delivered == NOW)
    delivery.stop()
    delivery.join(10)
    assert not delivery.is_alive()


def test_nothing_is_started_before_the_clock_is_plausible(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.delivery.CLOCK_S", 0.01)
    told, far, asked = Recorder(), FarServer(), threading.Semaphore(0)
    plausible = threading.Event()

    def clock_plausible() -> bool:
        asked.release()
        return plausible.is_set()

    delivery = threaded(tmp_path, far, told, clock_plausible=clock_plausible)
    delivery.start()
    delivery.push_now()
    for _ in range(5):
        assert asked.acquire(timeout=10)
    assert far.steps == []
    plausible.set()
    told.wait(lambda state: state.seq == 1 and state.delivered == NOW)
    delivery.stop()
    delivery.join(10)
    assert not delivery.is_alive()


def test_positions_may_be_asked_at_any_time_and_move_only_with_what_arrived(site: Site) -> None:
    site.now = datetime(1970, 1, 1)
    site.store(3)
    size = (site.root / "www" / FILE).stat().st_size
    assert site.delivery.position(FILE) == 0
    site.now = NOW
    site.far.breaks = {5: DeliveryFailed("нет ответа 30 с")}
    assert not site.delivery.turn()
    assert site.delivery.position(FILE) == 0
    assert site.delivery.turn()
    assert site.delivery.position(FILE) == size
    assert site.restart().position(FILE) == size
    assert site.drops("linux")[0].info.start == "22.11.26 08:27:00"


def test_stop_cuts_a_transfer_that_runs(tmp_path: Path) -> None:
    told, far, sending, cut = Recorder(), FarServer(), threading.Event(), threading.Event()

    def hang(_name: str, _data: bytes) -> None:
        sending.set()
        assert cut.wait(20)
        raise DeliveryFailed("соединение разорвано")

    far.store = hang  # type: ignore[method-assign]
    far.abort = cut.set  # type: ignore[method-assign]
    delivery = threaded(tmp_path, far, told)
    delivery.start()
    delivery.push_now()
    assert sending.wait(20)
    delivery.stop()
    delivery.join(10)
    assert not delivery.is_alive()
    assert not any(state.error for state in told.states), "the user need not hear of our own stop"


def test_what_nobody_expected_leaves_the_thread_by_the_callback(tmp_path: Path) -> None:
    far, crashed = FarServer(), threading.Event()
    far.breaks = {0: ZeroDivisionError()}
    traces: list[str] = []

    def note(name: str, trace: str) -> None:
        traces.append(f"{name} {trace}")
        crashed.set()

    delivery = threaded(tmp_path, far, Recorder(), crashed=note)
    delivery.start()
    delivery.push_now()
    assert crashed.wait(20)
    delivery.join(10)
    assert "delivery server1" in traces[0]
    assert "ZeroDivisionError" in traces[0]


def test_pauses_after_failures_grow_up_to_the_interval(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    delivery = threaded(tmp_path, FarServer(), Recorder())
    results = [False] * 6 + [True, True, False]
    waits: list[float] = []

    def stopped_after(wait_s: float) -> bool:
        waits.append(round(wait_s, 1))
        return not results

    monkeypatch.setattr(delivery, "_stopped_after", stopped_after)
    monkeypatch.setattr(delivery, "turn", lambda: results.pop(0))
    monkeypatch.setattr("time.monotonic", lambda: 1000.0)
    delivery.work()
    assert waits == [10.0, 5.0, 10.0, 20.0, 40.0, 60.0, 60.0, 60.0, 60.0, 5.0]


def test_a_line_that_breaks_in_every_session_is_tried_again_soon_while_something_arrives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Site(tmp_path, limit=100)
    site.server = replace(SERVER, interval_s=1200)
    site.store(8)
    site.connect = lambda _server: site.far if len(waits) > 5 else Breaking(site.far)
    delivery = site.restart()
    waits: list[float] = []
    arrived: list[int] = []

    def stopped_after(wait_s: float) -> bool:
        waits.append(round(wait_s))
        arrived.append(len(site.drops("dos")))
        return len(waits) > 6

    monkeypatch.setattr(delivery, "_stopped_after", stopped_after)
    delivery.work()
    assert waits == [10, 5, 5, 5, 5, 5, 1200]
    assert arrived[1:5] == [1, 3, 4, 6], "each session brings some further"
    assert records(site.drops("linux")) == list(range(1, 9))


class Breaking:
    """A session whose line breaks behind three transfers: one drop and a half."""

    def __init__(self, far: FarServer) -> None:
        self._far = far
        self._left = 3

    def __getattr__(self, name: str) -> Any:
        return getattr(self._far, name)

    def store(self, name: str, data: bytes) -> None:
        self._left -= 1
        if self._left < 0:
            raise DeliveryFailed("передача: соединение разорвано")
        self._far.store(name, data)


def test_a_delivery_says_how_long_its_steps_may_take_and_when_all_was_well(site: Site) -> None:
    delivery = site.delivery
    signs: list[float] = []
    delivery.give_sign = signs.append  # type: ignore[method-assign]
    began_s = delivery.well_at_s
    delivery.step()
    assert signs == [8 * SERVER.timeout_s]
    ended = threading.Event()
    turns = 0

    def turn() -> bool:
        nonlocal turns
        turns += 1
        if turns == 2:
            delivery.stop()
            ended.set()
        return turns == 1

    delivery.turn = turn  # type: ignore[method-assign]
    delivery._pause_s = lambda *_: 0.0  # type: ignore[method-assign]
    delivery._first_wait_s = lambda: 0.0  # type: ignore[method-assign]
    delivery.start()
    assert ended.wait(10)
    delivery.join(10)
    assert delivery.well_at_s > began_s
    assert signs[1:3] == [0.0, 0.0], "a wait is told before it begins"
