"""What every driver declares of itself."""

from __future__ import annotations

import drivers
from engine.dialect.device_types import DEVICE_TYPES
from engine.dialogue import Driver


def test_every_device_type_can_be_written_in_a_device_file() -> None:
    unknown = {driver.name: set(driver.device_types) - set(DEVICE_TYPES) for driver in drivers.load()}
    assert {name: types for name, types in unknown.items() if types} == {}


def test_names_are_those_of_the_modules_and_each_stands_once() -> None:
    names = [driver.name for driver in drivers.load()]
    assert sorted(names) == sorted(set(names))
    assert "tem_384" in names


def test_whoever_tells_where_an_archive_is_can_read_it() -> None:
    def half_told(driver: Driver) -> bool:
        return len({driver.rings is None, driver.probe is None, driver.fetch is None}) > 1

    assert [driver.name for driver in drivers.load() if half_told(driver)] == []
