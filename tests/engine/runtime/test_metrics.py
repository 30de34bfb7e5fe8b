"""The agent's figures: a line of `status.txt`, and a file that Prometheus' own parser reads."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from engine.delivery import DeliveryState
from engine.dialogue import Identity
from engine.model import Reading
from engine.news import Contact, Missed
from engine.runtime.metrics import WRITE_S, Metrics
from tests.fake.agent_settings import serial_device, settings_of
from tests.fake.house import NOW, TestHouse
from tests.fake.prometheus import read

FILE = "www/metrics.prom"


class Scene:
    """The part with two devices and one server; `figures` are those of its file."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.server = SimpleNamespace(state=DeliveryState("server1", "h", backlog_bytes=2048), well_at_s=70.0)
        self.test = TestHouse(root)
        self.part = Metrics(self.test.house, lambda: {"server1": self.server})  # type: ignore[dict-item]
        self.devices = (serial_device("a.ini", dev_number="440020"), serial_device("b.ini", dev_number="17"))
        (root / "www").mkdir()
        self.apply()

    def apply(self, metrics_file: str = FILE, **changed: Any) -> None:
        devices = changed.pop("devices", self.devices)
        settings = settings_of(*devices, agent={"metrics_file": metrics_file, "auto_poll": False, **changed})
        self.test.house.devices.apply(settings)
        self.part.apply(settings, 0.0)

    def answer(self, file: str = "a.ini") -> None:
        device = next(each for each in self.devices if each.file == file)
        reading = Reading("440020", None, {}, ())
        self.part.take(Contact(device, Identity("", "ТЕМ-104", "440020", None), reading, datetime.now(), first=False))

    def figures(self, now_s: float) -> dict[str, Any]:
        self.part.tick(now_s)
        return read((self.root / FILE).read_text())


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_polls_and_answers_are_counted_by_device_and_never_fall(scene: Scene) -> None:
    scene.answer()
    scene.answer()
    scene.part.take(Missed("a.ini", "нет ответа", 1, lost=False))
    found = scene.figures(0.0)
    labels = {"device": "440020", "file": "a.ini"}
    assert (labels, 3.0) in found["tsm_polls"][1]
    assert (labels, 2.0) in found["tsm_answers"][1]
    scene.devices = (serial_device("a.ini", dev_number="440020", baud=19200), scene.devices[1])
    scene.apply()
    scene.answer()
    found = scene.figures(WRITE_S)
    assert (labels, 4.0) in found["tsm_polls"][1], "other settings of a device are no reason to begin anew"


def test_a_device_that_was_removed_is_told_no_more(scene: Scene) -> None:
    scene.answer("b.ini")
    scene.apply(devices=scene.devices[:1])
    assert [labels["file"] for labels, _ in scene.figures(0.0)["tsm_polls"][1]] == ["a.ini"]


def test_lost_devices_lag_and_backlog_are_there(scene: Scene) -> None:
    for keeper in scene.test.house.devices.all():
        keeper.standing.online = keeper.dev_number == "440020"
    keeper = scene.test.house.devices.keepers["a.ini"]
    keeper.standing.read_at = NOW
    found = scene.figures(100.0)
    assert found["tsm_devices_lost"] == ("gauge", [({}, 1.0)])
    assert found["tsm_device_last_reading_timestamp_seconds"][1] == [
        ({"device": "440020", "file": "a.ini"}, NOW.timestamp())
    ]
    assert found["tsm_delivery_backlog_bytes"] == ("gauge", [({"server": "server1"}, 2048.0)])
    assert found["tsm_delivery_lag_seconds"] == ("gauge", [({"server": "server1"}, 30.0)])
    assert found["tsm_delivery_up"][1] == [({"server": "server1"}, 1.0)]
    assert found["process_resident_memory_bytes"][1][0][1] > 5e6


def test_internal_errors_are_counted_and_an_unbelievable_clock_is_told(scene: Scene) -> None:
    scene.part.tell_crash("line /dev/ttyS1", 0.0)
    scene.part.tell_crash("line /dev/ttyS1", 1.0)
    scene.test.now = None
    found = scene.figures(0.0)
    assert found["tsm_thread_crashes"] == ("counter", [({"thread": "line /dev/ttyS1"}, 2.0)])
    assert found["tsm_clock_plausible"][1] == [({}, 0.0)]


def test_names_bear_their_units_and_counters_end_with_total(scene: Scene) -> None:
    scene.answer()
    scene.part.tick(0.0)
    for line in (scene.root / FILE).read_text().splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            assert (kind == "counter") == name.endswith("_total")
            assert name.startswith(("tsm_", "process_"))


def test_it_is_written_whole_and_not_at_every_turn(scene: Scene) -> None:
    scene.part.tick(0.0)
    before = (scene.root / FILE).stat().st_ino
    scene.answer()
    scene.part.tick(WRITE_S - 1)
    assert (scene.root / FILE).stat().st_ino == before
    scene.part.tick(WRITE_S)
    assert (scene.root / FILE).stat().st_ino != before
    assert [path.name for path in (scene.root / "www").iterdir()] == ["metrics.prom"]


def test_an_agent_that_does_not_run_and_a_file_of_yesterday_have_no_figures(scene: Scene) -> None:
    scene.part.tick(0.0)
    scene.apply(metrics_file="www/other.prom")
    assert not (scene.root / FILE).exists()
    scene.part.tick(0.0)
    assert (scene.root / "www/other.prom").exists()
    scene.part.stop()
    assert list((scene.root / "www").iterdir()) == []


def test_a_folder_of_another_program_gets_a_file_that_all_may_read_and_is_never_made(
    scene: Scene, tmp_path: Path
) -> None:
    collector = tmp_path.with_name(f"{tmp_path.name}-collector")
    scene.apply(metrics_file=str(collector / "tsm.prom"))
    scene.part.tick(0.0)
    assert not collector.exists()
    assert "tsm.prom: файла нет" in scene.part.lines()[0]
    assert len(scene.test.journaled) == 1
    scene.part.tick(WRITE_S)
    assert len(scene.test.journaled) == 1
    collector.mkdir()
    scene.part.tick(2 * WRITE_S)
    assert (collector / "tsm.prom").stat().st_mode & 0o777 == 0o644
    assert "tsm.prom: пишется" in scene.part.lines()[0]
    scene.part.stop()
    assert list(collector.iterdir()) == []


def test_the_status_tells_it_in_one_line(scene: Scene) -> None:
    scene.apply(metrics_file="")
    for keeper in scene.test.house.devices.all():
        keeper.standing.online = keeper.dev_number == "440020"
    scene.answer()
    scene.part.take(Missed("b.ini", "нет ответа", 1, lost=True))
    scene.part.tick(0.0)
    (line,) = scene.part.lines()
    assert line.startswith("приборов 2, на связи 1; не на связи 17; опросов 2, ответов 1; память ")
    assert not list((scene.root / "www").iterdir())
