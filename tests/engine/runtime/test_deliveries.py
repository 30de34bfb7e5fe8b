"""Deliveries: started, changed and stopped by difference; told in `status.txt` and the journal."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from engine.delivery import DeliveryState
from engine.runtime import deliveries as deliveries_module
from engine.runtime.deliveries import Deliveries
from engine.settings import Server
from tests.fake.agent_settings import server, settings_of
from tests.fake.house import NOW, TestHouse


class FakeDelivery:
    """A delivery that only lives and dies as it is told. `lingers`: it takes its time to end."""

    def __init__(self, server: Server, number: int, **given: Any) -> None:
        self.server, self.number, self.given = server, number, given
        self.name = f"delivery {server.section}"
        self.state = DeliveryState(server.section, server.host)
        self.turns = 0
        self.well_at_s = time.monotonic()
        self.alive = self.stopped = False
        self.pushed = 0
        self.size = 0
        self.lingers = False

    def start(self) -> None:
        self.alive = True

    def is_alive(self) -> bool:
        return self.alive

    def stop(self) -> None:
        self.stopped = True
        self.alive = self.lingers

    def join(self, timeout_s: float) -> None:
        assert timeout_s > 0

    def push_now(self) -> None:
        self.pushed += 1

    def position(self, _path: str) -> int:
        return self.size


class Scene:
    """Deliveries with everything made that they made."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made: list[FakeDelivery] = []
        monkeypatch.setattr(deliveries_module, "Delivery", self._make)
        self.test = TestHouse(root)
        self.part = Deliveries(self.test.house)

    def _make(self, *arguments: Any, **options: Any) -> FakeDelivery:
        self.made.append(FakeDelivery(*arguments, **options))
        return self.made[-1]

    def apply(self, *servers: Server, agent: dict[str, object] | None = None) -> None:
        self.part.apply(settings_of(agent=agent, servers=servers), 0.0)

    @property
    def alive(self) -> list[str]:
        return [delivery.server.section for delivery in self.made if delivery.alive]


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    return Scene(tmp_path, monkeypatch)


# --- external servers


def test_every_enabled_server_has_a_delivery_of_its_own(scene: Scene) -> None:
    scene.apply(server("server1"), server("server2", enabled=False), server("server3"))
    assert scene.alive == ["server1", "server3"]


def test_a_server_that_a_change_does_not_concern_is_left_alone(scene: Scene) -> None:
    scene.apply(server("server1"), server("server2"))
    scene.apply(server("server1"), server("server2", directory="/other"))
    scene.part.tick(1.0)
    assert [delivery.stopped for delivery in scene.made] == [False, True, False]
    assert scene.made[2].server.directory == "/other"


def test_a_server_that_was_switched_off_is_left(scene: Scene) -> None:
    scene.apply(server("server1"))
    scene.apply(server("server1", enabled=False))
    assert scene.alive == []
    assert scene.part.lines() == ["нет"]


@pytest.mark.parametrize("changed", [{"number": 9}, {"event_date": "dmy"}, {"dos_encoding": "cp866"}])
def test_what_every_drop_says_is_changed_for_every_server(scene: Scene, changed: dict[str, object]) -> None:
    scene.apply(server("server1"), server("server2"))
    scene.apply(server("server1"), server("server2"), agent=changed)
    assert [delivery.stopped for delivery in scene.made] == [True, True, False, False]
    assert scene.made[-1].number == changed.get("number", 1)


def test_a_new_delivery_never_shares_a_cursor_with_one_that_is_still_ending(scene: Scene) -> None:
    scene.apply(server("server1"), server("server2"))
    old, other = scene.made
    old.lingers = True
    scene.apply(server("server1", directory="/other"), server("server2"))
    scene.part.tick(1.0)
    assert len(scene.made) == 2, "and nobody waits for it"
    assert other.alive
    assert not scene.part.has_everywhere("x", 0), "what the new one has is not known yet"
    assert not scene.part.delivered()
    old.alive = False
    scene.part.tick(2.0)
    assert [delivery.server.directory for delivery in scene.made if delivery.alive][1] == "/other"


def test_a_delivery_that_crashed_is_started_again_after_a_growing_pause(scene: Scene) -> None:
    scene.apply(server("server1"), server("server2"))
    now_s = 100.0
    for pause_s in (0.5, 1.0, 2.0):
        scene.part.deliveries["server1"].delivery.stop()
        scene.part.tell_crash("delivery server1", now_s)
        scene.part.tick(now_s + pause_s - 0.1)
        assert scene.alive == ["server2"]
        now_s += pause_s
        scene.part.tick(now_s)
        assert scene.alive == ["server2", "server1"]
    assert scene.part.lines()[0].endswith("перезапусков 3")
    assert "перезапусков" not in scene.part.lines()[1]


def test_a_crash_of_a_delivery_that_was_left_starts_none_beside_its_successor(scene: Scene) -> None:
    scene.apply(server("server1"))
    scene.apply(server("server1", directory="/other"))
    scene.part.tick(1.0)
    scene.part.tell_crash("delivery server1", 2.0)
    scene.part.tick(100.0)
    assert len(scene.made) == 2


def test_a_delivery_is_given_its_clocks(scene: Scene) -> None:
    scene.apply(server("server1"))
    given = scene.made[0].given
    assert given["now"]() == NOW
    scene.test.now = None
    assert given["now"]().tzinfo is not None
    assert given["clock_plausible"]() in (True, False)


def test_a_push_ends_when_every_server_has_everything_or_has_failed(scene: Scene) -> None:
    scene.apply(server("server1"), server("server2"))
    first, second = scene.made
    first.turns = 5
    scene.part.deliver_now()
    assert (first.pushed, second.pushed) == (1, 1)
    assert not scene.part.delivered()
    first.turns, second.turns = 6, 1
    assert scene.part.delivered()
    second.state = DeliveryState("server2", "h", backlog_bytes=100)
    assert not scene.part.delivered(), "one more try for what is left"
    second.turns = 2
    assert scene.part.delivered()


def test_what_was_stored_during_a_push_follows_at_once(scene: Scene) -> None:
    scene.apply(server("server1"))
    (made,) = scene.made
    made.state = DeliveryState("server1", "h", backlog_bytes=100)
    scene.part.tick(1.0)
    assert made.pushed == 0, "nobody asked"
    scene.part.deliver_now()
    scene.part.tick(2.0)
    assert made.pushed == 1
    made.turns = 1
    scene.part.tick(3.0)
    scene.part.tick(4.0)
    assert made.pushed == 2 and not scene.part.delivered()
    made.turns = 2
    assert scene.part.delivered()


def test_a_delivery_that_crashes_keeps_no_push_waiting_for_ever(scene: Scene) -> None:
    scene.apply(server("server1"))
    scene.part.tell_crash("delivery server1", 1.0)
    scene.part.tick(2.0)
    scene.part.deliver_now()
    assert not scene.part.delivered(), "what happened before is no answer"
    scene.part.tell_crash("delivery server1", 3.0)
    assert scene.part.delivered()


def test_a_server_that_joins_during_a_push_is_waited_for_as_well(scene: Scene) -> None:
    scene.apply(server("server1"))
    scene.part.deliver_now()
    scene.made[0].turns = 1
    scene.apply(server("server1"), server("server2"))
    assert not scene.part.delivered()
    scene.made[1].turns = 1
    assert scene.part.delivered()


def test_a_file_is_everywhere_when_the_slowest_server_has_it(scene: Scene) -> None:
    assert scene.part.has_everywhere("440020/H-2018-09.txt", 100), "with no server there is nobody to wait for"
    scene.apply(server("server1"), server("server2"))
    scene.made[0].size, scene.made[1].size = 100, 99
    assert not scene.part.has_everywhere("440020/H-2018-09.txt", 100)
    scene.made[1].size = 100
    assert scene.part.has_everywhere("440020/H-2018-09.txt", 100)


def test_a_server_s_line_tells_what_is_known(scene: Scene) -> None:
    scene.apply(server("server1", port=2121))
    delivery = scene.made[0]
    assert scene.part.lines() == ["server1 127.0.0.1:2121; сеанса ещё не было"]
    delivery.turns = 1
    assert scene.part.lines() == ["server1 127.0.0.1:2121; работает"]
    delivery.state = DeliveryState("server1", "h", NOW, "нет ответа 30 с", 2049, 7, "Number занят", ("повреждён",))
    (line,) = scene.part.lines()
    wanted = ("нет доставки: нет ответа 30 с", "№7 доставлена 22.11.26 09:05:30", "3 кБ", "Number занят", "повреждён")
    assert [told for told in wanted if told not in line] == []


def test_how_long_a_server_has_been_without_its_drops_is_told_while_it_fails(scene: Scene) -> None:
    scene.apply(server("server1"))
    delivery = scene.made[0]
    delivery.well_at_s -= 3 * 3600 + 125
    assert "отстаёт" not in scene.part.lines()[0]
    delivery.state = DeliveryState("server1", "h", error="нет связи")
    assert "отстаёт на 3 ч 2 мин" in scene.part.lines()[0]


def test_every_thread_can_be_watched_also_one_that_is_about_to_leave(scene: Scene) -> None:
    scene.apply(server("server1"), server("server2"))
    scene.made[0].lingers = True
    scene.apply(server("server2"))
    assert [worker.name for worker in scene.part.workers()] == ["delivery server2", "delivery server1"]
    assert list(scene.part.by_section()) == ["server2"]


def test_troubles_of_a_delivery_and_their_end_are_journaled_once(scene: Scene) -> None:
    scene.apply(server("server1"))
    for _ in range(3):
        scene.made[0].state = DeliveryState("server1", "h", error="нет связи")
        scene.part.tick(1.0)
    scene.made[0].state = DeliveryState("server1", "h")
    scene.part.tick(1.0)
    scene.part.tick(2.0)
    assert scene.test.journaled == ["server1 127.0.0.1: нет связи", "server1 127.0.0.1: доставка восстановлена"]


def test_what_a_login_tells_of_the_encryption_stands_with_the_server(scene: Scene) -> None:
    scene.apply(server("server1", tls=1))
    connect = scene.made[0].given["connect"]
    connect.keywords["told"]("открытым текстом")
    assert scene.part.lines()[0].endswith("; открытым текстом")
    scene.part.tick(0.0)
    assert any("открытым текстом" in line for line in scene.test.journaled)
    connect.keywords["told"]("")
    assert "открытым" not in scene.part.lines()[0]


def test_the_end_stops_every_delivery(scene: Scene) -> None:
    scene.apply(server("server1"), server("server2"))
    scene.part.stop()
    assert scene.alive == []
