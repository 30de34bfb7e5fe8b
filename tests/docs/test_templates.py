"""The guide to templates says what the program does."""

from __future__ import annotations

import re
from pathlib import Path

from drivers.emulated.modbus import HeatMeter
from drivers.modbus import DRIVER
from engine.dialogue import Setup
from engine.template import KEYS, parse_template, units
from tests.fake.dialogue_runner import run

GUIDE = (Path(__file__).parents[2] / "docs/templates.md").read_text("utf-8")


def test_the_table_of_keys_is_that_of_the_program() -> None:
    rows = [f"| `{key.name}` | {key.default} | {key.kind.allowed} | {key.meaning} |" for key in KEYS]
    assert "\n".join(rows) in GUIDE


def test_every_unit_is_named() -> None:
    for names in units.LATIN.values():
        assert " ".join(names) in GUIDE


def test_the_worked_example_reads_the_emulated_meter() -> None:
    (text,) = re.findall(r"```ini\n(\[template\].*?)```", GUIDE, re.DOTALL)
    template, _ = parse_template("log/User/templates/primer.ini", text)
    meter, setup = HeatMeter(), Setup("Modbus", 1, template=template)
    meter.faults = 0b1001
    identity = run(DRIVER.open(setup, run(DRIVER.ask_id(setup), meter.hear)), meter.hear)
    told = run(DRIVER.read(setup, identity), meter.hear)
    assert (told.meter_number, told.clock, told.doubts) == ("104205", meter.clock, ())
    assert (told.systems[0]["V1"], told.systems[0]["P2"], told.systems[0]["Err"]) == (9250.0, None, "14")
    meter.requests.clear()
    run(DRIVER.read(setup, identity), meter.hear)
    assert meter.requests == [(3, 0, 6), (3, 16, 8), (3, 32, 10)]
