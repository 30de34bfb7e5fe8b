from __future__ import annotations

import argparse
import ast
import sys
from datetime import datetime
from pathlib import Path

import pytest

import drivers
from drivers import emulated
from drivers.emulated import Speaker
from tests.fake.tem_request import IDENTIFY, memory_request, payload

NOW = datetime(2026, 9, 25, 14, 30)


def build(model: str, *arguments: str) -> Speaker:
    (family,) = (family for family in emulated.load() if model in family.models)
    parser = argparse.ArgumentParser()
    family.add_options(parser)
    return family.build(model, parser.parse_args(arguments), NOW)


def said(speaker: Speaker, data: bytes) -> bytes:
    return b"".join(part for _, part in speaker.pieces(data))


def test_no_model_is_declared_twice() -> None:
    models = [model for family in emulated.load() for model in family.models]
    assert {"tesmart", "tem106", "tesma106"} <= set(models)
    assert len(models) == len(set(models))


def test_an_emulated_family_is_no_driver() -> None:
    assert all(driver.name != family.name for driver in drivers.load() for family in emulated.load())


@pytest.mark.parametrize("path", sorted(Path(emulated.__file__).parent.glob("*.py")), ids=lambda path: path.name)
def test_emulated_meters_import_the_standard_library_and_one_another_only(path: Path) -> None:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            names.add(node.module or "")
    foreign = {name for name in names if name.split(".")[0] not in sys.stdlib_module_names}
    assert all(name == "drivers.emulated" or name.startswith("drivers.emulated.") for name in foreign)
    assert names.isdisjoint({"socket", "serial", "threading", "time", "select", "os"})


def test_options_of_the_command_line_reach_the_meter() -> None:
    meter = build("tem106", "--serial", "777", "--systems", "2", "--records", "5", "4", "3", "--commas", *"654321")
    assert payload(said(meter, memory_request(0x152, 4))) == (777).to_bytes(4, "big")
    assert payload(said(meter, memory_request(0, 1))) == b"\x02"
    assert payload(said(meter, memory_request(0x2FA, 6))) == bytes((6, 5, 4, 3, 2, 1))
    assert payload(said(meter, memory_request(0x4F4, 4))) == (0x200000 + 5 * 0x180).to_bytes(4, "big")


def test_several_addresses_are_several_meters_with_following_serial_numbers() -> None:
    line = build("tesmart", "--address", "4", "7", "--serial", "100")
    assert payload(said(line, memory_request(0x152, 4, 4))) == (100).to_bytes(4, "big")
    assert payload(said(line, memory_request(0x152, 4, 7))) == (101).to_bytes(4, "big")


def test_the_adapter_of_several_meters_echoes_once() -> None:
    line = build("tesmart", "--address", "1", "2", "--fault", "echo", "--fault", "false-start")
    answer = said(line, IDENTIFY)
    assert answer[: len(IDENTIFY)] == IDENTIFY
    assert answer[len(IDENTIFY)] == 0xAA and payload(answer[len(IDENTIFY) + 1 :]) == b"TSM-104"


def test_defects_of_the_command_line_are_made() -> None:
    defects = (
        "--gaps",
        "2",
        "--empty",
        "2",
        "--damaged",
        "3",
        "--zero-clock",
        "--nan",
        "T1",
        "--no-pointers",
        "--no-sums",
    )
    meter = build("tem106", "--records", "100", "0", "0", *defects)
    assert payload(said(meter, memory_request(0x482, 6))) == bytes(6)
    assert payload(said(meter, memory_request(0x200, 2))) == bytes.fromhex("7FC0")
    assert payload(said(meter, memory_request(0x4F4, 4))) == b"\xff" * 4


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--fault", "loud"), "помех"),
        (("--systems", "9"), "систем"),
        (("--records", "5000", "0", "0"), "записей"),
        (("--records", "5", "0", "0", "--gaps", "1"), "отключение"),
        (("--records", "5", "0", "0", "--empty", "6"), "больше"),
        (("--nan", "X1"), "канал"),
    ],
)
def test_options_that_cannot_be_are_refused_in_words(arguments: tuple[str, ...], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        build("tem106", *arguments)
