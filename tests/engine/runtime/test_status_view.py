"""What `status.txt` is made of: parts in their order, and what a person should know first."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from engine.due import Moment
from engine.runtime.part import Part
from engine.runtime.status_view import Life, status_view
from tests.fake.agent_settings import settings_of
from tests.fake.house import NOW, TestHouse


class Telling(Part):
    """A part with something to say."""

    title = "Часть"

    def lines(self) -> Sequence[str]:
        return ["работает"]

    def warnings(self) -> Sequence[str]:
        return ["почините"]


def test_every_part_has_its_section_and_its_warning(tmp_path: Path) -> None:
    house = TestHouse(tmp_path).house
    parts = (Telling(house), Part(house))
    view = status_view(house, parts, settings_of().agent, (), Life(Moment(10.0), Moment(70.0)), 100.0)
    assert view.sections == {"Приборы": ["нет"], "Линии": ["нет"], "Часть": ["работает"]}
    assert view.warnings == ["почините"]
    assert view.started is not None and view.settings_since is not None
    assert [(NOW - each).total_seconds() for each in (view.started, view.settings_since)] == [90.0, 30.0]


def test_a_clock_that_is_not_to_be_believed_is_told_and_times_nothing(tmp_path: Path) -> None:
    house = TestHouse(tmp_path, now=None).house
    view = status_view(house, (), settings_of().agent, (), Life(Moment(10.0), Moment(10.0)), 100.0)
    assert view.warnings == ["часы устройства не установлены: время не ставится, посылки ждут"]
    assert (view.now, view.started, view.settings_since) == (None, None, None)
