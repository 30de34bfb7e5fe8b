"""Deliveries, the embedded FTP server and the watch: started, changed and stopped by difference."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from engine.delivery import DeliveryState
from engine.ftpd import NotEncrypted
from engine.runtime import services as services_module
from engine.runtime.services import FTP_CHANGE_S, FTP_RETRY_S, Services
from engine.settings import InternalFtp, Server
from tests.fake.agent_settings import server, settings_of

NOW = datetime(2026, 11, 22, 9, 5, 30, tzinfo=UTC)


class FakeDelivery:
    """A delivery that only lives and dies as it is told. `lingers`: it takes its time to end."""

    def __init__(self, server: Server, number: int, **given: Any) -> None:
        self.server, self.number, self.given = server, number, given
        self.name = f"delivery {server.section}"
        self.state = DeliveryState(server.section, server.host)
        self.turns = 0
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


class FakeFtpd:
    """An embedded server; `taken` ports cannot be opened."""

    taken = False
    unencrypted = ""

    def __init__(self, _root: Path, settings: InternalFtp, _refusal: object, _touched: object, failed: Any) -> None:
        self.settings, self.login_failed = settings, failed
        self.port = settings.port
        self.encryption = ""
        self.alive = False
        self.stopped = 0

    def start(self) -> None:
        if FakeFtpd.taken:
            raise OSError(98, "Address already in use")
        if FakeFtpd.unencrypted:
            raise NotEncrypted(FakeFtpd.unencrypted)
        self.alive = True

    def stop(self) -> None:
        self.alive = False
        self.stopped += 1


class FakeWatch:
    """A watch that sees nothing by itself."""

    def __init__(self, _root: Path, changed: Callable[[], None]) -> None:
        self.changed = changed
        self.started = self.stopped = 0

    def start(self) -> None:
        self.started += 1

    def stop(self) -> None:
        self.stopped += 1

    def touched(self, _path: str) -> None:
        self.changed()


class Scene:
    """Services with everything made that they made."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.deliveries: list[FakeDelivery] = []
        self.ftpds: list[FakeFtpd] = []
        self.journaled: list[str] = []
        self.now: datetime | None = NOW
        monkeypatch.setattr(FakeFtpd, "taken", False)
        monkeypatch.setattr(FakeFtpd, "unencrypted", "")
        monkeypatch.setattr(services_module, "Delivery", self._made(FakeDelivery, self.deliveries))
        monkeypatch.setattr(services_module, "FtpServer", self._made(FakeFtpd, self.ftpds))
        monkeypatch.setattr(services_module, "Watch", FakeWatch)
        self.services = Services(
            root, lambda: None, lambda _thread, _text: None, lambda: self.now, self.journaled.append
        )

    def _made(self, kind: Callable[..., Any], made: list[Any]) -> Callable[..., Any]:
        def make(*arguments: Any, **options: Any) -> Any:
            made.append(kind(*arguments, **options))
            return made[-1]

        return make

    def apply(self, *servers: Server, now_s: float = 0.0, agent: dict[str, object] | None = None, **ftp: Any) -> None:
        self.services.apply(settings_of(agent=agent, servers=servers, **ftp), now_s)

    @property
    def alive(self) -> list[str]:
        return [delivery.server.section for delivery in self.deliveries if delivery.alive]


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
    scene.services.tick(1.0)
    assert [delivery.stopped for delivery in scene.deliveries] == [False, True, False]
    assert scene.deliveries[2].server.directory == "/other"


def test_a_server_that_was_switched_off_is_left(scene: Scene) -> None:
    scene.apply(server("server1"))
    scene.apply(server("server1", enabled=False))
    assert scene.alive == []
    assert scene.services.server_lines() == []


@pytest.mark.parametrize("changed", [{"number": 9}, {"event_date": "dmy"}, {"dos_encoding": "cp866"}])
def test_what_every_drop_says_is_changed_for_every_server(scene: Scene, changed: dict[str, object]) -> None:
    scene.apply(server("server1"), server("server2"))
    scene.apply(server("server1"), server("server2"), agent=changed)
    assert [delivery.stopped for delivery in scene.deliveries] == [True, True, False, False]
    assert scene.deliveries[-1].number == changed.get("number", 1)


def test_a_new_delivery_never_shares_a_cursor_with_one_that_is_still_ending(scene: Scene) -> None:
    scene.apply(server("server1"), server("server2"))
    old, other = scene.deliveries
    old.lingers = True
    scene.apply(server("server1", directory="/other"), server("server2"))
    scene.services.tick(1.0)
    assert len(scene.deliveries) == 2, "and nobody waits for it"
    assert other.alive
    assert not scene.services.has_everywhere("x", 0), "what the new one has is not known yet"
    assert not scene.services.delivered()
    old.alive = False
    scene.services.tick(2.0)
    assert [delivery.server.directory for delivery in scene.deliveries if delivery.alive][1] == "/other"


def test_a_delivery_that_crashed_is_started_again_after_a_growing_pause(scene: Scene) -> None:
    scene.apply(server("server1"), server("server2"))
    now_s = 100.0
    for pause_s in (0.5, 1.0, 2.0):
        scene.services.deliveries["server1"].delivery.stop()
        scene.services.tell_crash("delivery server1", now_s)
        scene.services.tick(now_s + pause_s - 0.1)
        assert scene.alive == ["server2"]
        now_s += pause_s
        scene.services.tick(now_s)
        assert scene.alive == ["server2", "server1"]
    assert scene.services.server_lines()[0].endswith("перезапусков 3")
    assert "перезапусков" not in scene.services.server_lines()[1]


def test_a_crash_of_a_delivery_that_was_left_starts_none_beside_its_successor(scene: Scene) -> None:
    scene.apply(server("server1"))
    scene.apply(server("server1", directory="/other"))
    scene.services.tick(1.0)
    scene.services.tell_crash("delivery server1", 2.0)
    scene.services.tick(100.0)
    assert len(scene.deliveries) == 2


def test_a_delivery_is_given_its_clocks(scene: Scene) -> None:
    scene.apply(server("server1"))
    given = scene.deliveries[0].given
    assert given["now"]() == NOW
    scene.now = None
    assert given["now"]().tzinfo is not None
    assert given["clock_plausible"]() in (True, False)


def test_a_push_ends_when_every_server_has_everything_or_has_failed(scene: Scene) -> None:
    scene.apply(server("server1"), server("server2"))
    first, second = scene.deliveries
    first.turns = 5
    scene.services.deliver_now()
    assert (first.pushed, second.pushed) == (1, 1)
    assert not scene.services.delivered()
    first.turns, second.turns = 6, 1
    assert scene.services.delivered()
    second.state = DeliveryState("server2", "h", backlog_bytes=100)
    assert not scene.services.delivered(), "one more try for what is left"
    second.turns = 2
    assert scene.services.delivered()


def test_a_server_that_joins_during_a_push_is_waited_for_as_well(scene: Scene) -> None:
    scene.apply(server("server1"))
    scene.services.deliver_now()
    scene.deliveries[0].turns = 1
    scene.apply(server("server1"), server("server2"))
    assert not scene.services.delivered()
    scene.deliveries[1].turns = 1
    assert scene.services.delivered()


def test_a_file_is_everywhere_when_the_slowest_server_has_it(scene: Scene) -> None:
    assert scene.services.has_everywhere("440020/H-2018-09.txt", 100), "with no server there is nobody to wait for"
    scene.apply(server("server1"), server("server2"))
    scene.deliveries[0].size, scene.deliveries[1].size = 100, 99
    assert not scene.services.has_everywhere("440020/H-2018-09.txt", 100)
    scene.deliveries[1].size = 100
    assert scene.services.has_everywhere("440020/H-2018-09.txt", 100)


def test_a_server_s_line_tells_what_is_known(scene: Scene) -> None:
    scene.apply(server("server1", port=2121))
    delivery = scene.deliveries[0]
    assert scene.services.server_lines() == ["server1 127.0.0.1:2121; работает"]
    delivery.state = DeliveryState("server1", "h", NOW, "нет ответа 30 с", 2049, 7, "Number занят", ("повреждён",))
    (line,) = scene.services.server_lines()
    wanted = ("нет доставки: нет ответа 30 с", "№7 доставлена 22.11.26 09:05:30", "3 кБ", "Number занят", "повреждён")
    assert [told for told in wanted if told not in line] == []


def test_troubles_of_a_delivery_and_their_end_are_journaled_once(scene: Scene) -> None:
    scene.apply(server("server1"))
    for _ in range(3):
        scene.deliveries[0].state = DeliveryState("server1", "h", error="нет связи")
        scene.services.tick(1.0)
    scene.deliveries[0].state = DeliveryState("server1", "h")
    scene.services.tick(1.0)
    scene.services.tick(2.0)
    assert scene.journaled == ["server1 127.0.0.1: нет связи", "server1 127.0.0.1: доставка восстановлена"]


# --- the embedded server


def test_the_file_server_starts_with_the_first_tick(scene: Scene) -> None:
    scene.apply(enabled=True, port=2121, now_s=10.0)
    scene.services.tick(10.0)
    assert scene.ftpds[0].alive
    assert scene.services.file_server_line() == "работает, порт 2121"


def test_a_file_server_that_is_switched_off_is_not_there(scene: Scene) -> None:
    scene.apply(enabled=False)
    scene.services.tick(0.0)
    assert scene.ftpds == []
    assert scene.services.file_server_line() == ""


def test_changed_settings_start_it_anew_after_the_client_has_its_answer(scene: Scene) -> None:
    scene.apply(enabled=True)
    scene.services.tick(0.0)
    scene.apply(enabled=True, port=2121, now_s=100.0)
    scene.services.tick(100.0 + FTP_CHANGE_S - 0.1)
    assert scene.ftpds[0].alive
    scene.services.tick(100.0 + FTP_CHANGE_S)
    assert [ftpd.alive for ftpd in scene.ftpds] == [False, True]
    scene.apply(enabled=True, port=2121, now_s=200.0)
    scene.services.tick(300.0)
    assert len(scene.ftpds) == 2, "the same settings disturb nobody"


def test_a_port_that_is_taken_is_told_once_and_tried_again(scene: Scene) -> None:
    FakeFtpd.taken = True
    scene.apply(enabled=True, port=2121)
    for turn in range(3):
        scene.services.tick(turn * FTP_RETRY_S)
    assert len(scene.ftpds) == 3
    assert "порт 2121 не открыт" in scene.services.file_server_line()
    assert len(scene.journaled) == 1
    FakeFtpd.taken = False
    scene.services.tick(3 * FTP_RETRY_S)
    assert scene.services.file_server_line() == "работает, порт 2121"


def test_a_server_that_ended_by_itself_is_told_cleared_away_and_started_again(scene: Scene) -> None:
    scene.apply(enabled=True)
    scene.services.tick(0.0)
    scene.ftpds[0].alive = False
    scene.services.tick(1.0)
    assert scene.ftpds[0].stopped == 1
    assert "запускается снова" in scene.services.file_server_line()
    assert scene.journaled == ["встроенный FTP: остановился, запускается снова"]
    scene.services.tick(1.0 + FTP_RETRY_S)
    assert scene.ftpds[1].alive


def test_failed_logins_are_counted_by_address_while_the_status_is_written(scene: Scene) -> None:
    scene.apply(enabled=True)
    scene.services.tick(0.0)
    failed = scene.ftpds[0].login_failed
    attackers = [
        threading.Thread(target=lambda net=net: [failed("root", f"10.0.{net}.{host}") for host in range(250)])  # type: ignore[misc]
        for net in range(8)
    ]
    for attacker in attackers:
        attacker.start()
    for _ in range(300):
        scene.services.file_server_line()
    for attacker in attackers:
        attacker.join()
    assert len(scene.services._failed_logins) <= 1000 + len(attackers), "a flood of addresses has a limit"
    assert "неудачных входов: 10.0." in scene.services.file_server_line()


class Racing(Counter[str]):
    """A count that the server's thread adds to just while the main thread goes through it."""

    def items(self) -> Any:
        for number, pair in enumerate(list(super().items())):
            self[f"10.9.9.{number}"] += 1
            yield pair
        yield next(iter(dict.items(self)))
        raise RuntimeError("dictionary changed size during iteration")


def test_a_login_that_fails_at_this_moment_does_not_disturb_the_status(scene: Scene) -> None:
    scene.apply(enabled=True)
    scene.services.tick(0.0)
    scene.services._failed_logins = Racing({"10.0.0.1": 5})
    assert "неудачных входов: 10.0.0.1 5" in scene.services.file_server_line()


def test_the_factory_s_password_is_warned_of(scene: Scene) -> None:
    scene.apply(enabled=True)
    assert "пароль встроенного FTP заводской" in scene.services.warnings()[0]
    scene.apply(enabled=True, password="own")
    assert scene.services.warnings() == []
    scene.apply(enabled=False)
    assert scene.services.warnings() == []


def test_encryption_that_is_required_and_not_there_is_told_and_tried_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeFtpd, "unencrypted", "Tls=2, а пакет pyOpenSSL не установлен")
    scene.apply(enabled=True, tls=2)
    scene.services.tick(0.0)
    assert not any(ftpd.alive for ftpd in scene.ftpds)
    assert scene.services.file_server_line() == "не запущен: Tls=2, а пакет pyOpenSSL не установлен"
    monkeypatch.setattr(FakeFtpd, "unencrypted", "")
    scene.services.tick(FTP_RETRY_S)
    scene.ftpds[-1].encryption = "сертификат SHA-256 AB:CD"
    assert scene.services.file_server_line().endswith("; сертификат SHA-256 AB:CD")


def test_what_a_login_tells_of_the_encryption_stands_with_the_server(scene: Scene) -> None:
    scene.apply(server("server1", tls=1))
    connect = scene.deliveries[0].given["connect"]
    connect.keywords["told"]("открытым текстом")
    assert scene.services.server_lines()[0].endswith("; открытым текстом")
    scene.services.tick(0.0)
    assert any("открытым текстом" in line for line in scene.journaled)
    connect.keywords["told"]("")
    assert "открытым" not in scene.services.server_lines()[0]


def test_the_end_stops_everything(scene: Scene) -> None:
    scene.services.start()
    scene.apply(server("server1"), enabled=True)
    scene.services.tick(0.0)
    scene.services.stop()
    assert scene.alive == []
    assert not scene.ftpds[0].alive
    watch = scene.services._watch
    assert isinstance(watch, FakeWatch) and (watch.started, watch.stopped) == (1, 1)
