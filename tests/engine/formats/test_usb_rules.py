"""`USB.rules`: to the letter of the manual's second form, and what stands where after adapters came and went."""

from __future__ import annotations

from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from engine import config
from engine.formats.usb_rules import NAMES, Adapter, named_paths, place, rules_text, same_map

MANUAL = """\
ttyUSB1000
US$2.0-serial
US$2.0-serial
US$2.0-serial
SUBSYSTEMS=="tty", ENV{ID_PATH}=="platform-1cid400.usb-usb-0:1:1.0", ENV{ID_MODEL}=="US$2.0-Serial", ENV{ID_VENDOR_ID}=="1a86", SYMLINK+="ttyUSB1000"
ttyUSB1001
0
0
0
SUBSYSTEMS=="tty", ENV{ID_PATH}=="0", ENV{ID_MODEL}=="0", ENV{ID_VENDOR_ID}=="0", SYMLINK+="ttyUSB1001"
ttyUSB1002
0
0
0
SUBSYSTEMS=="tty", ENV{ID_PATH}=="0", ENV{ID_MODEL}=="0", ENV{ID_VENDOR_ID}=="0", SYMLINK+="ttyUSB1002"
ttyUSB1003
0
0
0
SUBSYSTEMS=="tty", ENV{ID_PATH}=="0", ENV{ID_MODEL}=="0", ENV{ID_VENDOR_ID}=="0", SYMLINK+="ttyUSB1003"
ttyUSB1004
0
0
0
SUBSYSTEMS=="tty", ENV{ID_PATH}=="0", ENV{ID_MODEL}=="0", ENV{ID_VENDOR_ID}=="0", SYMLINK+="ttyUSB1004"
ttyUSB1005
0
0
0
SUBSYSTEMS=="tty", ENV{ID_PATH}=="0", ENV{ID_MODEL}=="0", ENV{ID_VENDOR_ID}=="0", SYMLINK+="ttyUSB1005"
DATE: 04/07/19
TIME: 11:45:06
"""  # noqa: E501
FIRST_FORM = """\
SUBSYSTEMS=="tty", ENV{ID_PATH}=="platform-1c1d400.usb-usb-0:1:1.0", ENV{ID_VENDOR}=="Prolific_Technology_Inc.", ENV{ID_VENDOR_ID}=="067b", SYMLINK+="ttyUSB1002"
SUBSYSTEMS=="tty", ENV{ID_PATH}=="0", ENV{ID_VENDOR_ID}=="0", SYMLINK+="ttyUSB1001"
DATE: 10/27/18
TIME: 20:29:50
"""  # noqa: E501
OF_THE_MANUAL = Adapter("platform-1cid400.usb-usb-0:1:1.0", "US$2.0-Serial", "1a86", "US$2.0-serial")
MOMENT = datetime(2019, 4, 7, 11, 45, 6)


def adapter(socket: int) -> Adapter:
    return Adapter(f"platform-usb-0:{socket}:1.0", "USB_Serial", "1a86", "USB Serial")


def slots(*adapters: Adapter | None) -> tuple[Adapter | None, ...]:
    return (*adapters, *(None,) * (len(NAMES) - len(adapters)))


def test_the_file_is_that_of_the_manual() -> None:
    assert rules_text(slots(OF_THE_MANUAL), MOMENT) == MANUAL


def test_with_nothing_plugged_in_it_is_the_factorys() -> None:
    factory = (config.FACTORY / "log/USB.rules").read_text(encoding="utf-8")
    assert rules_text(slots(), None) == factory


def test_both_forms_are_read() -> None:
    assert named_paths(MANUAL) == {"ttyUSB1000": "platform-1cid400.usb-usb-0:1:1.0"}
    assert named_paths(FIRST_FORM) == {"ttyUSB1002": "platform-1c1d400.usb-usb-0:1:1.0"}


def test_an_adapter_keeps_its_name_when_others_come_and_go() -> None:
    before = rules_text(place([adapter(1), adapter(2), adapter(3)], ""), MOMENT)
    assert place([adapter(4), adapter(3)], before) == slots(adapter(4), None, adapter(3))


def test_the_name_of_the_first_form_is_kept() -> None:
    old = Adapter("platform-1c1d400.usb-usb-0:1:1.0", "PL2303", "067b", "PL2303")
    assert place([adapter(1), old], FIRST_FORM) == slots(adapter(1), None, old)


def test_two_ports_that_udev_puts_into_one_place_have_two_names() -> None:
    before = rules_text(place([adapter(1)], ""), MOMENT)
    assert place([adapter(1), adapter(1)], before) == slots(adapter(1), adapter(1))


def test_there_are_six_names_and_no_more() -> None:
    adapters = [adapter(number) for number in range(8)]
    assert place(adapters, "") == tuple(adapters[:6])


def test_only_date_and_time_may_differ() -> None:
    assert same_map(MANUAL, MANUAL.replace("04/07/19", "05/07/19").replace("11:45", "12:00"))
    assert not same_map(MANUAL, MANUAL.replace("1a86", "067b"))
    assert not same_map(MANUAL, "")


@given(st.text(), st.text(), st.text(), st.text())
def test_whatever_an_adapter_tells_it_has_its_lines_and_no_more(path: str, model: str, vendor: str, own: str) -> None:
    text = rules_text(slots(Adapter(path, model, vendor, own)), MOMENT)
    lines = text.split("\n")
    assert len(lines) == 5 * len(NAMES) + 3
    assert lines[0] == NAMES[0] and lines[5] == NAMES[1]
    assert lines[4].count('"') == 10
    assert set(named_paths(text)) <= {NAMES[0]}
    assert place([Adapter(path, model, vendor, own)], text)[0] is not None


def test_what_is_no_rule_names_nothing() -> None:
    assert named_paths('anything\nSYMLINK+="ttyUSB1000"\nDATE: 1\n') == {}
