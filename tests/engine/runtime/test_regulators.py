"""The part that regulates: when it writes, when it does not, and from where it goes on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest

from engine import files
from engine.dialogue import Identity, Write
from engine.ftpd.accounts import FACTORY_PASSWORD
from engine.model import Reading
from engine.news import Contact, Written
from engine.runtime.output_notes import NOTES
from engine.runtime.regulators import Regulators
from engine.settings import DeviceSettings, Settings, parse_device
from engine.template import parse_template
from tests.fake.agent_settings import settings_of
from tests.fake.house import TestHouse

VALVE, METER, NUMBER = "valve.ini", "meter.ini", "440020"
MAPPED = "[extra]\nS1Valve=40 u16 scale 0.1\n"
UNMAPPED = "[values]\nS1T1=16 u16 unit °C\n"
KEYS = {
    "Enabled": 1, "Source": f"{NUMBER}.S1G1", "Setpoint": 12, "Response": 0.2, "Register": 40, "Scale": 0.1,
    "MaxAge": 60,
}  # fmt: skip


def valve_settings(template: str = MAPPED, dev_type: str = "Modbus", **keys: object) -> DeviceSettings:
    own = "".join(f"{key}={value}\n" for key, value in {**KEYS, **keys}.items() if value != "")
    text = f"[device]\nPort=ttyS0\nNetAddr=2\nDevType={dev_type}\nTemplate=x\n[regulator]\n{own}"
    device, _ = parse_device(f"log/User/devices/{VALVE}", text)
    return replace(device, template_map=parse_template("x.ini", template)[0])


class Scene:
    """The part, a valve whose line only takes note of the orders, a meter, and a clock of `now_s`."""

    def __init__(self, root: Path, device: DeviceSettings | None = None) -> None:
        self.house = TestHouse(root)
        self.orders: list[tuple[str, Write, float]] = []
        self.now_s = 1000.0
        self.device = device or valve_settings()
        self.house.house.devices.keepers |= {  # type: ignore[dict-item]
            METER: SimpleNamespace(dev_number=NUMBER), VALVE: SimpleNamespace(dev_number="55662"),
        }  # fmt: skip
        self.poll(True)
        self.part = Regulators(self.house.house)
        self.apply(self.device)

    def poll(self, polled: bool) -> None:
        line = SimpleNamespace(worker=SimpleNamespace(write=self._write), files=frozenset((VALVE,)))
        self.house.house.lines.lines = {"ttyS0": line} if polled else {}  # type: ignore[dict-item]

    def _write(self, file: str, write: Write, until_s: float) -> None:
        self.orders.append((file, write, until_s))

    def apply(self, device: DeviceSettings, settings: Settings | None = None) -> None:
        self.device = device
        self.part.apply(settings or settings_of(device), self.now_s)

    def contact(self, settings: DeviceSettings, values: dict[str, float | None], file: str = VALVE) -> None:
        reading = Reading("1", None, {}, (values,))
        self.part.take(Contact(replace(settings, file=file), Identity("", "", "", None), reading,
                               datetime(2026, 11, 22, tzinfo=UTC), first=False))  # fmt: skip

    def valve_tells(self, output: float | None) -> None:
        self.contact(self.device, {"Valve": output})

    def meter_tells(self, flow: float | None) -> None:
        self.contact(self.device, {"G1": flow}, METER)

    def turn(self, seconds: float = 10.0) -> None:
        self.now_s += seconds
        self.part.tick(self.now_s)

    def confirm(self, reason: str = "") -> int:
        raw = self.orders[-1][1].raw
        self.part.take(Written(VALVE, raw, reason))
        return raw

    def step(self, flow: float) -> int:
        """One step with a new measurement, written; the number that is in the register afterwards."""
        before = len(self.orders)
        self.meter_tells(flow)
        self.turn()
        if len(self.orders) > before:
            return self.confirm()
        return -1

    @property
    def raws(self) -> list[int]:
        return [write.raw for _, write, _ in self.orders]

    def status(self) -> str:
        return "\n".join(self.part.lines())


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def started(scene: Scene, output: float = 40.0) -> Scene:
    """On the way, with `output` in the register."""
    scene.valve_tells(output)
    scene.step(10.0)
    return scene


def test_a_device_without_a_regulator_is_not_told_of(tmp_path: Path) -> None:
    scene = Scene(tmp_path, valve_settings(Enabled=0))
    scene.valve_tells(40.0)
    scene.meter_tells(10.0)
    scene.turn()
    assert (scene.status(), dict(scene.part.facts()), scene.orders) == ("", {}, [])


def test_it_begins_with_what_the_register_holds_and_opens_bit_by_bit(scene: Scene) -> None:
    started(scene)
    assert scene.raws == [], "the first step only looks"
    values = [scene.step(10.0) for _ in range(5)]
    assert values == sorted(values)
    assert 400 < values[0] < values[-1] < 500
    assert scene.orders[0][1] == Write(40, values[0], 6)


def test_before_the_valve_has_told_its_place_nothing_is_written(scene: Scene) -> None:
    for _ in range(5):
        scene.step(10.0)
    assert scene.orders == []
    assert "выход неизвестен" in scene.status() and "ждёт ответа своего прибора" in scene.status()


def test_without_a_new_measurement_there_is_no_step(scene: Scene) -> None:
    started(scene)
    scene.step(10.0)
    before = scene.raws
    for _ in range(5):
        scene.turn()
    assert scene.raws == before


def test_a_value_that_is_not_known_is_no_measurement(scene: Scene) -> None:
    started(scene)
    for unknown in (None, float("nan")):
        scene.meter_tells(unknown)
        scene.turn()
    assert scene.orders == []
    assert "(20 с назад)" in scene.status()


def test_the_first_of_two_devices_that_tell_one_number_is_believed(scene: Scene) -> None:
    scene.house.house.devices.keepers["other.ini"] = SimpleNamespace(dev_number=NUMBER)  # type: ignore[assignment]
    started(scene)
    scene.contact(scene.device, {"G1": 50.0}, "other.ini")
    scene.turn()
    assert "440020.S1G1=10 (" in scene.status()


def test_a_lost_meter_leaves_the_valve_and_is_told_once(scene: Scene) -> None:
    started(scene)
    scene.step(10.0)
    before = scene.raws
    for _ in range(30):
        scene.turn()
    assert scene.raws == before
    assert "показания нет дольше 60 с: выход не меняется" in scene.status()
    assert scene.house.journaled == [f"регулятор {VALVE}: показания 440020.S1G1 нет"]
    scene.step(10.0)
    assert scene.house.journaled[-1] == f"регулятор {VALVE}: показания 440020.S1G1 снова есть"
    scene.step(10.0)
    assert len(scene.raws) > len(before)


def test_a_lost_meter_closes_the_valve_no_faster_than_the_rate_where_that_is_safe(tmp_path: Path) -> None:
    scene = started(Scene(tmp_path, valve_settings(Safe=0, Rate=0.5)))
    at = [400]
    for _ in range(30):
        scene.turn()
        if scene.part.standings[VALVE].ordered is not None:
            at.append(scene.confirm())
    assert at[-1] == 0
    assert at == sorted(at, reverse=True)
    moves = [early - late for early, late in pairwise(at)]
    assert moves[0] <= 100, "two periods, whatever was waited for"
    assert max(moves[1:]) <= 50
    assert "выход идёт к Safe=0" in scene.status()


def test_an_output_that_was_set_by_hand_is_taken_over(tmp_path: Path) -> None:
    scene = started(Scene(tmp_path, valve_settings(Mode="manual", Output=60, Rate=100)))
    scene.turn()
    assert scene.confirm() == 600
    assert "выход задан вручную" in scene.status()
    scene.apply(valve_settings())
    after = [scene.step(10.0), scene.step(10.0)]
    assert 600 < after[-1] < 700, "no bump"


def test_hold_writes_nothing_whatever_is_measured(tmp_path: Path) -> None:
    scene = started(Scene(tmp_path, valve_settings(Mode="hold")))
    for flow in (1.0, 50.0, 3.0):
        scene.step(flow)
    assert scene.orders == []
    assert "Mode=hold" in scene.status()


def test_nothing_works_while_the_factory_password_stands(scene: Scene) -> None:
    open_house = settings_of(scene.device, enabled=True, password=FACTORY_PASSWORD)
    scene.apply(scene.device, open_house)
    started(scene)
    scene.step(5.0)
    assert scene.orders == []
    assert "не запущен: пароль встроенного FTP заводской" in scene.status()
    assert dict(scene.part.facts()) == {}
    scene.apply(scene.device, settings_of(scene.device, enabled=True, password="own"))
    scene.step(5.0)
    assert scene.step(5.0) > 400


def test_a_write_that_failed_is_told_and_made_again_with_the_next_step(scene: Scene) -> None:
    started(scene)
    scene.meter_tells(10.0)
    scene.turn()
    scene.confirm("нет ответа")
    first = scene.raws[-1]
    assert "не записано: нет ответа" in scene.status()
    assert scene.house.journaled == [f"регулятор {VALVE}: не записано: нет ответа"]
    for _ in range(20):
        scene.meter_tells(10.0)
        scene.turn()
        scene.confirm(f"в регистре {len(scene.orders)}")
    assert set(scene.raws) == {first}, "what could not be written does not wind up"
    assert len(scene.house.journaled) == 1
    assert scene.step(10.0) == first
    assert "не записано" not in scene.status()
    assert scene.house.journaled[-1] == f"регулятор {VALVE}: снова записывает"


def test_a_write_whose_answer_was_lost_is_nobody_else_s(scene: Scene) -> None:
    started(scene)
    scene.meter_tells(10.0)
    scene.turn()
    scene.valve_tells(scene.confirm("нет ответа") / 10)
    assert scene.house.journaled == [f"регулятор {VALVE}: не записано: нет ответа"]


def test_one_write_is_waited_for_before_the_next_and_given_up_in_the_end(scene: Scene) -> None:
    started(scene)
    scene.meter_tells(10.0)
    scene.turn()
    scene.meter_tells(9.0)
    scene.turn()
    assert len(scene.orders) == 1
    assert scene.orders[0][2] == pytest.approx(scene.now_s)
    scene.turn(6.0)
    assert "не записано: линия занята или не на связи" in scene.status()
    scene.meter_tells(9.0)
    scene.turn()
    assert len(scene.orders) == 2


def test_a_regulator_that_nobody_polls_says_so(scene: Scene) -> None:
    started(scene)
    scene.poll(False)
    scene.step(10.0)
    assert scene.orders == []
    assert "не записано: прибор не опрашивается" in scene.status()


def test_what_somebody_else_wrote_is_gone_on_from_and_told(scene: Scene) -> None:
    started(scene)
    scene.step(10.0)
    scene.valve_tells(80.0)
    assert "выход изменён не регулятором" in scene.house.journaled[-1]
    assert scene.step(10.0) > 800


def test_a_device_that_goes_back_by_itself_every_time_fills_no_journal(scene: Scene) -> None:
    started(scene)
    for _ in range(10):
        scene.step(10.0)
        scene.valve_tells(10.0)
    assert len(scene.house.journaled) == 1


def test_the_reading_of_the_register_that_is_just_written_is_not_taken_for_somebody_else(scene: Scene) -> None:
    started(scene)
    scene.meter_tells(10.0)
    scene.turn()
    scene.valve_tells(40.0)
    after = scene.confirm()
    scene.valve_tells(after / 10)
    assert scene.house.journaled == []
    assert scene.step(10.0) > after


def test_a_new_setpoint_goes_on_from_the_same_output(scene: Scene) -> None:
    started(scene)
    before = scene.step(10.0)
    scene.apply(valve_settings(Setpoint=8))
    after = scene.step(10.0)
    assert 0 < before - after < 100


def test_another_valve_begins_anew(scene: Scene) -> None:
    started(scene)
    scene.apply(valve_settings(Register=41))
    scene.step(10.0)
    assert scene.orders == []
    assert "ждёт ответа" in scene.status()


def test_a_regulator_that_cannot_be_written_to_computes_and_shows(tmp_path: Path) -> None:
    scene = Scene(tmp_path, valve_settings(dev_type="RT-05", Register=""))
    for _ in range(5):
        scene.step(10.0)
    assert scene.orders == []
    assert "(не записывается: Register не задан)" in scene.status()
    assert scene.part.standings[VALVE].state is not None and scene.part.standings[VALVE].state.output > 0


# --- a register that cannot be read


def blind(tmp_path: Path, **keys: object) -> Scene:
    scene = Scene(tmp_path, valve_settings(UNMAPPED, **keys))
    scene.valve_tells(None)
    return scene


def test_without_anything_known_of_the_valve_it_waits_for_a_person(tmp_path: Path) -> None:
    scene = blind(tmp_path)
    for _ in range(3):
        scene.step(10.0)
    assert scene.orders == []
    assert "начальный выход неизвестен: задайте Output" in scene.status()


def test_the_output_that_was_given_is_the_beginning_and_a_restart_goes_on_from_the_note(tmp_path: Path) -> None:
    scene = blind(tmp_path, Output=30)
    assert scene.step(10.0) == 300
    last = [scene.step(10.0) for _ in range(9)][-1]
    assert last > 320
    noted = float((tmp_path / NOTES / f"{VALVE}.txt").read_text())
    assert abs(noted - last / 10) <= 1.0, "killed now, it would miss no more than 1 %"
    scene.part.stop()
    again = blind(tmp_path, Output=30)
    again.step(10.0)
    assert last <= again.step(10.0) < last + 50


def test_after_a_write_whose_answer_was_lost_the_output_before_is_written_again(tmp_path: Path) -> None:
    scene = blind(tmp_path, Output=30)
    assert scene.step(10.0) == 300
    scene.meter_tells(10.0)
    scene.turn()
    assert scene.confirm("нет ответа") > 300
    assert scene.step(12.0) == 300, "the valve may stand where the lost answer said"


@pytest.mark.parametrize("content", [b"", b"x", b"nan", b"inf", b"\xff"])
def test_a_damaged_note_is_no_note(tmp_path: Path, content: bytes) -> None:
    (tmp_path / NOTES).mkdir(parents=True)
    (tmp_path / NOTES / f"{VALVE}.txt").write_bytes(content)
    scene = blind(tmp_path)
    scene.step(10.0)
    assert "задайте Output" in scene.status()


def test_a_flash_card_is_spared_while_the_valve_hardly_moves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = blind(tmp_path, Output=30, Rate=0.02)
    written: list[bytes] = []
    monkeypatch.setattr(files, "write_whole", lambda _path, data, **_synced: written.append(data))
    for _ in range(30):
        scene.step(10.0)
    assert len(scene.raws) > 20
    assert len(written) <= 7


# --- what is shown


def test_the_state_is_one_line_and_the_card_of_the_manual(scene: Scene) -> None:
    started(scene)
    scene.turn(2.0)
    assert scene.status() == (
        f"{VALVE}: 440020.S1G1=10 (2 с назад); желаемое 12; выход 40 в регистр 40; Mode=auto; регулирует"
    )
    assert dict(scene.part.facts()) == {
        "Regulator1State": "Активирован", "Regulator1DevNumber": "55662", "Regulator1Source": "440020.S1G1",
        "Regulator1Value": "10", "Regulator1Setpoint": "12", "Regulator1Output": "40", "Regulator1Mode": "auto",
    }  # fmt: skip


def test_a_valve_at_its_limit_is_told(scene: Scene) -> None:
    started(scene, 100.0)
    scene.step(10.0)
    assert "выход на пределе, желаемое не достигнуто" in scene.status()
    assert scene.orders == []
