"""`[regulator]` of a device file: what must stand together, and what a refused file says."""

from __future__ import annotations

import pytest

from engine.errors import SettingsWrong
from engine.settings import parse_device
from engine.settings.regulator import NO_REGULATOR, RegulatorSettings, Source

PATH = "log/User/devices/valve.ini"
WHOLE = {"Enabled": 1, "Source": "440020.S1G1", "Setpoint": 12, "Response": 0.2, "Register": 40}


def regulator(dev_type: str = "Modbus", **keys: object) -> RegulatorSettings:
    own = "".join(f"{key}={value}\n" for key, value in {**WHOLE, **keys}.items())
    text = f"[device]\nPort=ttyS0\nNetAddr=2\nDevType={dev_type}\nTemplate=x\n[regulator]\n{own}"
    return parse_device(PATH, text)[0].regulator


def refused(dev_type: str = "Modbus", **keys: object) -> str:
    with pytest.raises(SettingsWrong) as wrong:
        regulator(dev_type, **keys)
    return "; ".join(str(problem) for problem in wrong.value.problems)


def test_a_device_file_without_the_section_regulates_nothing() -> None:
    assert parse_device(PATH, "[device]\nPort=ttyS0\n")[0].regulator == NO_REGULATOR
    assert not NO_REGULATOR.enabled


def test_a_whole_section_has_the_defaults_of_the_rest() -> None:
    assert regulator() == RegulatorSettings(
        True, Source("440020", 1, "G1"), setpoint=12.0, response=0.2, register=40
    )  # fmt: skip


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"Source": ""}, "valve.ini:7: для регулятора нужны Source в [regulator]"),
        ({"Setpoint": "", "Response": ""}, "valve.ini:7: для регулятора нужны Setpoint, Response в [regulator]"),
        ({"Mode": "manual"}, "для регулятора нужны Output"),
        ({"Response": 0}, "valve.ini:10: Response не может быть 0"),
        ({"OutputMin": 60, "OutputMax": 60}, "OutputMin должен быть меньше OutputMax"),
        ({"Output": 101}, "Output вне пределов OutputMin и OutputMax"),
        ({"Safe": 5, "OutputMin": 10}, "Safe вне пределов OutputMin и OutputMax"),
        ({"Scale": 0.001}, "OutputMax / Scale больше 65535"),
    ],
)
def test_what_cannot_work_together_is_refused_with_its_line(keys: dict[str, object], told: str) -> None:
    assert told in refused(**keys)


def test_only_a_modbus_device_can_be_written_to() -> None:
    assert "Register бывает только для DevType=Modbus" in refused("RT-05")
    assert regulator("RT-05", Register="").register is None


def test_what_is_switched_off_may_be_unfinished() -> None:
    assert not regulator(Enabled=0, Source="", Setpoint="", OutputMin=60, OutputMax=5).enabled


def test_a_regulator_that_only_holds_needs_no_setpoint() -> None:
    assert regulator(Mode="hold", Setpoint="", Response="").setpoint is None


def test_the_dead_band_is_a_hundredth_of_the_setpoint_unless_it_is_given() -> None:
    assert regulator().band == pytest.approx(0.12)
    assert regulator(DeadBand=0).band == 0.0
    assert regulator(Setpoint=-5).band == pytest.approx(0.05)
