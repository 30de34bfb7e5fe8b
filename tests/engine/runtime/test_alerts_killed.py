"""Whatever is read, and wherever the power goes: every change is kept once, and told once or summed up."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import files
from tests.fake.alert_scene import Scene

INTERVAL_S = 3600.0
STEPS = st.one_of(
    st.tuples(st.just("read"), st.sampled_from(["0", "1", "2", "13"])),
    st.tuples(st.just("lose"), st.just("")),
    st.tuples(st.just("wait"), st.sampled_from(["20", "4000"])),
    st.tuples(st.just("crash"), st.just("")),
    st.tuples(st.just("server"), st.sampled_from(["takes", "refuses", "silent"])),
)


class Killed(BaseException):
    """The power went."""


class Power:
    """Goes at the `at`-th touch of the disk: before it, or just after it."""

    def __init__(self, patch: pytest.MonkeyPatch, at: int, *, after: bool) -> None:
        self.left, self._after = at, after
        for name in ("write_whole", "append_whole", "remove"):
            patch.setattr(files, name, self._counted(getattr(files, name)))

    def _counted(self, work: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(work)
        def touch(*arguments: Any, **named: Any) -> Any:
            self.left -= 1
            if self.left == 0 and not self._after:
                raise Killed
            result = work(*arguments, **named)
            if self.left == 0:
                raise Killed
            return result

        return touch


class Play:
    """Steps of one agent, and what should be told of them."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.errors, self.online = "0", True
        self.events: list[str] = []
        self.changes = 0

    def step(self, what: str, value: str) -> None:
        scene, office = self.scene, self.scene.office
        scene.pass_time(2)
        if what == "read":
            self._read(value)
        elif what == "lose":
            self._lose()
        elif what == "wait":
            scene.pass_time(float(value), 20)
        elif what == "crash":
            scene.crash()
        else:
            office.error, office.silent = ("отказ" if value == "refuses" else ""), value == "silent"

    def _read(self, errors: str) -> None:
        if not self.online:
            self.online = True
            self._expect("0 8 0")
        before, now = set(self.errors) - {"0"}, set(errors) - {"0"}
        ended = [f"1 {''.join(sorted(before - now))} 0"] if before - now else []
        began = [f"1 {''.join(sorted(now - before))} 1"] if now - before else []
        if before != now:
            self._expect(*ended, *began)
        self.errors = errors
        self._whatever_happens(lambda: self.scene.read(errors))

    def _lose(self) -> None:
        if self.online:
            self.online = False
            self._expect("0 8 1")
        self._whatever_happens(self.scene.lose)

    def _expect(self, *events: str) -> None:
        self.events += events
        self.changes += 1

    def _whatever_happens(self, see: Callable[[], None]) -> None:
        """The meter is as it is, also after a power cut."""
        try:
            see()
        except Killed:
            self.scene.crash()
            see()

    def told(self) -> int:
        """Changes that people read of; a letter that came twice is one letter."""
        letters = {letter.message_id: letter.body for letter in self.scene.office.letters}
        lines = [line for body in letters.values() for line in _new(body)]
        return sum(int(found[1]) if (found := re.search(r"менялось (\d+) раз", line)) else 1 for line in lines)


def _new(body: str) -> list[str]:
    return [line for line in body.partition("Новое:\n")[2].partition("\n\n")[0].splitlines() if line]


@settings(max_examples=40, deadline=None)
@given(steps=st.lists(STEPS, max_size=14), at=st.integers(1, 60), after=st.booleans())
def test_every_change_is_kept_once_and_told_once_or_summed_up(
    steps: list[tuple[str, str]], at: int, after: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _descriptor: None)
        scene = Scene(Path(folder), patch)
        scene.start()
        scene.read("0")
        play = Play(scene)
        Power(patch, at, after=after)
        for what, value in (*steps, ("server", "takes"), ("crash", "")):
            try:
                play.step(what, value)
            except Killed:
                scene.crash()
        for _ in range(3):
            try:
                scene.pass_time(2 * INTERVAL_S, 60)
            except Killed:
                scene.crash()
        assert scene.events() == play.events
        assert play.told() == play.changes
        assert not list((scene.root / "var/alerts").glob("waiting/*.json"))


SCRIPT = [
    ("read", "2"), ("wait", "20"), ("lose", ""), ("wait", "4000"), ("read", "13"), ("server", "refuses"),
    ("wait", "4000"), ("read", "0"), ("server", "takes"), ("wait", "4000"),
]  # fmt: skip


def _play(folder: Path, patch: pytest.MonkeyPatch, at: int, *, after: bool) -> int:
    """How often the disk was touched; the power goes at the `at`-th time."""
    scene = Scene(folder, patch)
    scene.start()
    scene.read("0")
    play = Play(scene)
    power = Power(patch, at, after=after)
    for what, value in SCRIPT:
        try:
            play.step(what, value)
        except Killed:
            scene.crash()
            if what == "wait":
                scene.pass_time(float(value), 20)
    scene.pass_time(3 * INTERVAL_S, 60)
    assert scene.events() == play.events, at
    assert play.told() == play.changes, at
    return at - power.left


def test_a_kill_at_each_touch_of_the_disk(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _descriptor: None)
        touches = _play(tmp_path / "whole", patch, 10**9, after=False)
    assert touches > 30
    for at in range(1, touches + 1):
        for after in (False, True):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(os, "fsync", lambda _descriptor: None)
                _play(tmp_path / f"{at}{after}", patch, at, after=after)


@pytest.mark.parametrize("after", [True, False])
def test_a_monthly_report_goes_once_wherever_the_power_goes(tmp_path: Path, after: bool) -> None:
    for at in range(1, 12):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "fsync", lambda _descriptor: None)
            scene = Scene(tmp_path / f"{at}", patch)
            scene.start()
            scene.now = datetime(2026, 11, 29, 5, 58, tzinfo=UTC)
            Power(patch, at, after=after)
            for _ in range(2):
                try:
                    scene.pass_time(1800, 30)
                except Killed:
                    scene.crash()
            assert len({letter.message_id for letter in scene.office.letters}) == 1, at


def test_nothing_leaves_while_it_could_be_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The notice was written and the state was not: after a restart the same changes would be in a new notice."""
    scene = Scene(tmp_path, monkeypatch)
    scene.start()
    scene.read("2")
    whole = files.write_whole

    def no_state(path: Path, data: bytes, *, synced: bool) -> bool:
        if path.name == "state.json":
            raise OSError(28, "full")
        return whole(path, data, synced=synced)

    with monkeypatch.context() as patch:
        patch.setattr(files, "write_whole", no_state)
        scene.pass_time(60)
        assert list((tmp_path / "var/alerts/waiting").iterdir())
        assert not scene.office.posted
    scene.crash()
    scene.pass_time(2 * INTERVAL_S, 60)
    assert len(scene.office.letters) == 1


def test_a_second_kill_after_the_letter_went_sends_it_to_nobody_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Written by the first life, not yet in its state; sent by the second, which saw nothing new."""
    scene = Scene(tmp_path, monkeypatch)
    scene.start()
    scene.read("2")
    whole = files.write_whole

    def killed_before_the_state(path: Path, data: bytes, *, synced: bool) -> bool:
        if path.name == "state.json" and list((tmp_path / "var/alerts/waiting").glob("*.json")):
            raise Killed
        return whole(path, data, synced=synced)

    with monkeypatch.context() as patch:
        patch.setattr(files, "write_whole", killed_before_the_state)
        with pytest.raises(Killed):
            scene.pass_time(60)
    scene.crash()
    scene.tick()
    scene.tick()
    assert len(scene.office.letters) == 1
    scene.crash()
    scene.read("0")
    scene.pass_time(INTERVAL_S / 2, 60)
    assert len(scene.office.letters) == 1, "the recovery is told with the next report, after the interval"
    scene.pass_time(INTERVAL_S, 60)
    assert len(scene.office.letters) == 2
