"""Whether there is a modem, and where SMS are put for it."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from engine.runtime.sms import Sms
from engine.sms.smsd_conf import FOLDERS
from tests.fake.agent_settings import settings_of
from tests.fake.house import TestHouse

OWN = {"modem_spool": "var/sms", "modem_port": "/dev/ttyUSB1001", "mail": True, "sms": True}


class Scene:
    def __init__(self, root: Path) -> None:
        self.postman: Any = SimpleNamespace(spool=None)
        self.part = Sms(TestHouse(root).house, self.postman)

    def apply(self, **agent: object) -> None:
        self.part.apply(settings_of(agent=agent), 0.0)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_without_a_modem_there_is_no_spool(scene: Scene) -> None:
    scene.apply(**{**OWN, "modem_port": ""})
    assert scene.postman.spool is None
    assert scene.part.warnings() == ()


def test_the_postman_gets_the_spool_of_the_modem(scene: Scene, tmp_path: Path) -> None:
    scene.apply(**OWN)
    assert sorted(path.name for path in (tmp_path / "var/sms").iterdir()) == sorted(FOLDERS)
    scene.postman.spool.put("alarm-1", ("+79161234567",), "Авария")
    assert (tmp_path / "var/sms/outgoing/tsm.alarm-1.79161234567").exists()
    assert scene.part.warnings() == ()
    scene.apply(**{**OWN, "modem_port": ""})
    assert scene.postman.spool is None


def test_a_daemon_that_was_never_installed_is_told_to_those_who_want_sms(scene: Scene, tmp_path: Path) -> None:
    (tmp_path / "var").write_text("in the way")
    scene.apply(**OWN)
    (warning,) = scene.part.warnings()
    assert warning.startswith("SMS не отправить: var/sms: ")
    assert "smstools" in warning
    scene.apply(**{**OWN, "sms": False})
    assert scene.part.warnings() == ()


def test_the_spool_is_cleared_once_a_day(scene: Scene, tmp_path: Path) -> None:
    scene.apply(**OWN)
    old = tmp_path / "var/sms/sent/tsm.old.79161234567"
    old.write_text("x")
    os.utime(old, (0, 0))
    ((clean, period_s),) = scene.part.jobs().items()
    clean()
    assert period_s == 24 * 3600
    assert not old.exists()
