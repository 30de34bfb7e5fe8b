"""The index over HTTP: started, changed and stopped by difference; told in `status.txt`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine import web as served
from engine.runtime import web as web_module
from engine.runtime.web import RETRY_S, Web
from engine.settings import InternalFtp
from tests.fake.agent_settings import settings_of
from tests.fake.house import TestHouse

USERS = settings_of().ftp.internal


class FakeServer:
    """`taken` ports cannot be opened."""

    taken = False

    def __init__(self, _root: Path, port: int, users: InternalFtp, failed: Any, _crashed: object) -> None:
        self.port, self.users, self.login_failed = port, users, failed
        self.alive = False

    def start(self) -> None:
        if FakeServer.taken:
            raise OSError(98, "Address already in use")
        self.alive = True

    def stop(self) -> None:
        self.alive = False


class Scene:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made: list[FakeServer] = []
        monkeypatch.setattr(FakeServer, "taken", False)
        monkeypatch.setattr(served, "WebServer", self._make)
        test = TestHouse(Path("root"))
        self.journaled = test.journaled
        self.web = Web(test.house)

    def _make(self, *given: Any) -> FakeServer:
        self.made.append(FakeServer(*given))
        return self.made[-1]

    def apply(self, port: int = 8080, users: InternalFtp = USERS, now_s: float = 0.0) -> None:
        settings = settings_of(agent={"web_port": port})
        self.web.apply(replace(settings, ftp=replace(settings.ftp, internal=users)), now_s)
        self.web.tick(now_s)


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    return Scene(monkeypatch)


def test_without_a_port_nothing_is_served_or_told(scene: Scene) -> None:
    scene.apply(0)
    assert scene.made == [] and "".join(scene.web.lines()) == ""


def test_same_settings_do_not_disturb_it_and_others_start_it_anew(scene: Scene) -> None:
    scene.apply()
    scene.apply(now_s=5.0)
    assert [(server.port, server.alive) for server in scene.made] == [(8080, True)]
    scene.apply(users=replace(USERS, password="new"), now_s=6.0)
    scene.apply(8081, now_s=7.0)
    assert [(server.port, server.alive) for server in scene.made] == [(8080, False), (8080, False), (8081, True)]
    assert "".join(scene.web.lines()) == "работает, порт 8081"
    scene.apply(0, now_s=8.0)
    assert not scene.made[-1].alive and "".join(scene.web.lines()) == ""


def test_a_taken_port_is_told_once_and_tried_again(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeServer, "taken", True)
    scene.apply()
    scene.web.tick(RETRY_S)
    assert "".join(scene.web.lines()) == "порт 8080 не открыт: порт занят другой программой"
    assert scene.journaled == ["веб-доступ: порт 8080 не открыт: порт занят другой программой"]
    monkeypatch.setattr(FakeServer, "taken", False)
    scene.web.tick(2 * RETRY_S - 1.0)
    assert len(scene.made) == 2
    scene.web.tick(2 * RETRY_S)
    assert "".join(scene.web.lines()) == "работает, порт 8080"


def test_one_that_ended_by_itself_is_told_and_started_again(scene: Scene) -> None:
    scene.apply()
    scene.made[0].alive = False
    scene.web.tick(10.0)
    assert "".join(scene.web.lines()) == "остановился, запускается снова" and len(scene.journaled) == 1
    scene.web.tick(10.0 + RETRY_S)
    assert scene.made[1].alive and "".join(scene.web.lines()) == "работает, порт 8080"


def test_required_encryption_is_never_replaced_by_none(scene: Scene) -> None:
    scene.apply(users=replace(USERS, tls=2))
    assert scene.made == [] and "Tls=2" in "".join(scene.web.lines())
    scene.apply(users=replace(USERS, tls=1), now_s=1.0)
    assert scene.made[0].alive


def test_failed_logins_are_counted_by_address_up_to_a_number_of_addresses(scene: Scene) -> None:
    scene.apply()
    for address in ("198.51.100.1", "198.51.100.1", "198.51.100.2"):
        scene.made[0].login_failed("main", address)
    assert "".join(scene.web.lines()) == "работает, порт 8080; неудачных входов: 198.51.100.1 2, 198.51.100.2 1"
    for number in range(2 * web_module.ADDRESSES_MOST):
        scene.made[0].login_failed("main", f"address {number}")
    scene.made[0].login_failed("main", "198.51.100.1")
    assert len(scene.web._failed_logins) == web_module.ADDRESSES_MOST
    assert "198.51.100.1 3" in "".join(scene.web.lines())


def test_the_end_stops_it(scene: Scene) -> None:
    scene.apply()
    scene.web.stop()
    scene.web.stop()
    assert not scene.made[0].alive
