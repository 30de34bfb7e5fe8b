"""The file that is proposed for a device, and which file names it already."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import naming
from engine.dialect import device_types
from engine.dialect.kinds import BAUDS
from engine.dialogue import Identity
from engine.search.proposal import Found, Named, device_text, file_names, named_by
from engine.settings import DeviceSettings, check_file, parse_device

PATH = "log/User/devices/a.ini"
MOMENT = datetime(2026, 9, 25, 14, 30, 7)


def found(device_type: str = "ТЕМ-104", number: str = "476721", **changed: object) -> Found:
    one = Found("/dev/ttyS1", 19200, 17, Identity("TSM-104", device_type, number, None))
    return replace(one, **changed)  # type: ignore[arg-type]


def parsed(one: Found, port: str = "/dev/ttyS1") -> DeviceSettings:
    settings, warnings = parse_device(PATH, device_text(one, port, MOMENT))
    assert warnings == ()
    return settings


# --- the file


def test_the_file_says_what_was_met_and_is_switched_off() -> None:
    settings = parsed(found())
    assert (settings.dev_type, settings.dev_number, settings.connection) == ("ТЕМ-104", "476721", "Serial")
    assert (settings.port, settings.baud, settings.net_addr, settings.enabled) == ("/dev/ttyS1", 19200, 17, False)


def test_the_file_says_in_russian_what_is_to_be_done() -> None:
    text = device_text(found(), "/dev/ttyS1", MOMENT)
    assert text == (
        "; Прибор найден автонастройкой 25.09.26 14:30:07 на порту /dev/ttyS1, он назвал себя TSM-104.\n"
        "; Пока стоит Enabled=0, он не опрашивается. Проверьте тип, номер, порт, скорость и адрес,\n"
        "; поставьте Enabled=1 и сохраните файл. Если прибор не нужен, удалите файл.\n"
        "[device]\nDevType=ТЕМ-104\nDevNumber=476721\nConnection=Serial\nPort=/dev/ttyS1\nBaud=19200\nNetAddr=17\n"
        "Enabled=0\n"
    )


def test_a_device_without_a_number_is_not_given_one() -> None:
    one = found("РСМ-05.03", "", protocol="native")
    assert (parsed(one).dev_number, parsed(one).protocol) == ("", "native")
    assert "впишите его в DevNumber" in device_text(one, "/dev/ttyS1", None)


def test_a_slow_device_is_given_its_time() -> None:
    assert parsed(found(wait_s=1.0)).packet_timeout_s == 1.0


def test_without_a_clock_no_moment_is_told() -> None:
    assert "автонастройкой на порту" in device_text(found(), "/dev/ttyS1", None)


def test_the_stable_path_of_a_port_is_what_is_written() -> None:
    path = "/dev/serial/by-id/usb-1a86_USB2.0-Serial-if00-port0"
    assert parsed(found(), path).port == path


MET = sorted(set(device_types.DEVICE_TYPES) - {device_types.MODBUS, device_types.LORA})
"""Types that a device can tell of itself."""


@given(
    st.sampled_from([*MET, "неведомый"]),
    st.text(max_size=30),
    st.text(max_size=30),
    st.sampled_from(BAUDS),
    st.integers(0, 255),
)
def test_whatever_a_device_tells_its_file_is_accepted(
    device_type: str, number: str, id_text: str, baud: int, address: int
) -> None:
    one = Found("/dev/ttyS1", baud, address, Identity(id_text, device_type, number, None))
    for name in file_names(one):
        path = f"{naming.DEVICES}/{name}"
        assert naming.is_config(path)
        assert check_file(path, device_text(one, "/dev/ttyS1", MOMENT).encode()) == ()


# --- its name


@pytest.mark.parametrize(
    ("device_type", "number", "port", "names"),
    [
        ("ТЕМ-104", "476721", "/dev/ttyS1", ("476721.ini", "TEM-104-ttyS1-17.ini")),
        ("РСМ-05.05П", "", "/dev/ttyUSB0", ("PCM-05.05P-ttyUSB0-17.ini",)),
        ("ТЕМ-106/1", "0", "/dev/pts/5", ("TEM-106-1-pts-5-17.ini",)),
        ("ТЭМ-05М", "../../etc/passwd", "/dev/ttyS1", ("TEM-05M-ttyS1-17.ini",)),
    ],
)
def test_names_are_plain(device_type: str, number: str, port: str, names: tuple[str, ...]) -> None:
    assert file_names(found(device_type, number, port=port)) == names


# --- who names it


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        (Named("a.ini", "476721", "/dev/ttyS9", 3), "a.ini"),
        (Named("a.ini", "", "/dev/ttyS1", 17), "a.ini"),
        (Named("a.ini", "999", "/dev/ttyS1", 17), "a.ini"),
        (Named("a.ini", "", "/dev/ttyS1", 16), ""),
        (Named("a.ini", "", "/dev/ttyS2", 17), ""),
        (Named("a.ini", "", "/dev/ttyS1", 0), ""),
        (Named("a.ini", "", "/dev/ttyS1", None), ""),
        (Named("a.ini", "", "", 17), ""),
    ],
)
def test_a_device_is_named_by_its_number_or_its_line_and_address(named: Named, expected: str) -> None:
    assert named_by(found(), [Named("other.ini", "1", "", 0), named]) == expected


def test_address_0_of_a_file_is_whoever_is_alone_on_the_line() -> None:
    assert named_by(found(alone=True), [Named("a.ini", "", "/dev/ttyS1", 0)]) == "a.ini"


def test_devices_without_a_number_are_not_one_and_the_same() -> None:
    assert named_by(found(number=""), [Named("a.ini", "", "/dev/ttyS2", 1)]) == ""


def test_letters_of_a_number_are_compared_without_case() -> None:
    assert named_by(found(number="12ab"), [Named("a.ini", "12AB", "", 1)]) == "a.ini"
