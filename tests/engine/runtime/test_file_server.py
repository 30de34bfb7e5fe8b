"""The embedded FTP server: started, changed and stopped by difference; told in `status.txt`."""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from engine.ftpd import NotEncrypted
from engine.runtime import file_server as file_server_module
from engine.runtime.file_server import FTP_CHANGE_S, FTP_RETRY_S, FileServer
from engine.settings import InternalFtp
from tests.fake.agent_settings import settings_of
from tests.fake.house import TestHouse


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


class Scene:
    """The part with every server that it made."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ftpds: list[FakeFtpd] = []
        monkeypatch.setattr(FakeFtpd, "taken", False)
        monkeypatch.setattr(FakeFtpd, "unencrypted", "")
        monkeypatch.setattr(file_server_module, "FtpServer", self._make)
        test = TestHouse(root)
        self.journaled = test.journaled
        self.part = FileServer(test.house)

    def _make(self, *arguments: Any) -> FakeFtpd:
        self.ftpds.append(FakeFtpd(*arguments))
        return self.ftpds[-1]

    def apply(self, now_s: float = 0.0, **ftp: Any) -> None:
        self.part.apply(settings_of(**ftp), now_s)

    def line(self) -> str:
        (line,) = self.part.lines()
        return line


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    return Scene(tmp_path, monkeypatch)


def test_the_file_server_starts_with_the_first_tick(scene: Scene) -> None:
    scene.apply(enabled=True, port=2121, now_s=10.0)
    scene.part.tick(10.0)
    assert scene.ftpds[0].alive
    assert scene.line() == "работает, порт 2121"


def test_a_file_server_that_is_switched_off_is_not_there(scene: Scene) -> None:
    scene.apply(enabled=False)
    scene.part.tick(0.0)
    assert scene.ftpds == []
    assert scene.line() == "выключен"


def test_changed_settings_start_it_anew_after_the_client_has_its_answer(scene: Scene) -> None:
    scene.apply(enabled=True)
    scene.part.tick(0.0)
    scene.apply(enabled=True, port=2121, now_s=100.0)
    scene.part.tick(100.0 + FTP_CHANGE_S - 0.1)
    assert scene.ftpds[0].alive
    scene.part.tick(100.0 + FTP_CHANGE_S)
    assert [ftpd.alive for ftpd in scene.ftpds] == [False, True]
    scene.apply(enabled=True, port=2121, now_s=200.0)
    scene.part.tick(300.0)
    assert len(scene.ftpds) == 2, "the same settings disturb nobody"


def test_a_port_that_is_taken_is_told_once_and_tried_again(scene: Scene) -> None:
    FakeFtpd.taken = True
    scene.apply(enabled=True, port=2121)
    for turn in range(3):
        scene.part.tick(turn * FTP_RETRY_S)
    assert len(scene.ftpds) == 3
    assert "порт 2121 не открыт" in scene.line()
    assert len(scene.journaled) == 1
    FakeFtpd.taken = False
    scene.part.tick(3 * FTP_RETRY_S)
    assert scene.line() == "работает, порт 2121"


def test_a_server_that_ended_by_itself_is_told_cleared_away_and_started_again(scene: Scene) -> None:
    scene.apply(enabled=True)
    scene.part.tick(0.0)
    scene.ftpds[0].alive = False
    scene.part.tick(1.0)
    assert scene.ftpds[0].stopped == 1
    assert "запускается снова" in scene.line()
    assert scene.journaled == ["встроенный FTP: остановился, запускается снова"]
    scene.part.tick(1.0 + FTP_RETRY_S)
    assert scene.ftpds[1].alive


def test_failed_logins_are_counted_by_address_while_the_status_is_written(scene: Scene) -> None:
    scene.apply(enabled=True)
    scene.part.tick(0.0)
    failed = scene.ftpds[0].login_failed
    attackers = [
        threading.Thread(target=lambda net=net: [failed("root", f"10.0.{net}.{host}") for host in range(250)])  # type: ignore[misc]
        for net in range(8)
    ]
    for attacker in attackers:
        attacker.start()
    for _ in range(300):
        scene.line()
    for attacker in attackers:
        attacker.join()
    assert len(scene.part._failed_logins) <= 1000 + len(attackers), "a flood of addresses has a limit"
    assert "неудачных входов: 10.0." in scene.line()


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
    scene.part.tick(0.0)
    scene.part._failed_logins = Racing({"10.0.0.1": 5})
    assert "неудачных входов: 10.0.0.1 5" in scene.line()


def test_the_factory_s_password_is_warned_of(scene: Scene) -> None:
    scene.apply(enabled=True)
    assert "пароль встроенного FTP заводской" in scene.part.warnings()[0]
    scene.apply(enabled=True, password="own")
    assert scene.part.warnings() == []
    scene.apply(enabled=False)
    assert scene.part.warnings() == []


def test_encryption_that_is_required_and_not_there_is_told_and_tried_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeFtpd, "unencrypted", "Tls=2, а пакет pyOpenSSL не установлен")
    scene.apply(enabled=True, tls=2)
    scene.part.tick(0.0)
    assert not any(ftpd.alive for ftpd in scene.ftpds)
    assert scene.line() == "не запущен: Tls=2, а пакет pyOpenSSL не установлен"
    monkeypatch.setattr(FakeFtpd, "unencrypted", "")
    scene.part.tick(FTP_RETRY_S)
    scene.ftpds[-1].encryption = "сертификат SHA-256 AB:CD"
    assert scene.line().endswith("; сертификат SHA-256 AB:CD")


def test_the_end_stops_it(scene: Scene) -> None:
    scene.apply(enabled=True)
    scene.part.tick(0.0)
    scene.part.stop()
    scene.part.stop()
    assert not scene.ftpds[0].alive
