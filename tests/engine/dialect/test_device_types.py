from __future__ import annotations

import pytest

from engine.dialect import device_types


@pytest.mark.parametrize("name", device_types.DEVICE_TYPES)
def test_every_written_spelling_is_understood_as_itself(name: str) -> None:
    assert device_types.written(name) == name


@pytest.mark.parametrize("name", device_types.DEVICE_TYPES)
def test_case_and_spaces_around_do_not_count(name: str) -> None:
    assert device_types.written(f" {name.lower()} ") == name


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("TEM-104", "ТЕМ-104"),
        ("ТЕМ-104", "ТЕМ-104"),
        ("ТЭМ-104", "ТЕМ-104"),
        ("TEM-104M", "ТЕМ-104М"),
        ("TEM-104-K", "ТЕМ-104-К"),
        ("ТЭМ-106/1", "ТЕМ-106/1"),
        ("TЭCMA-106/2", "ТЭСМА-106/2"),
        ("TECMA-106/1", "ТЭСМА-106/1"),
        ("TCM", "ТСМ"),
        ("TEM-05M", "ТЭМ-05М"),
        ("PCM-05.03", "РСМ-05.03"),
        ("PCM-05.05П", "РСМ-05.05П"),
        ("RT–05", "RT-05"),
        ("AUTO", "auto"),
        ("аuto", "auto"),
    ],
)
def test_look_alike_letters_are_equal(given: str, written: str) -> None:
    assert device_types.written(given) == written


@pytest.mark.parametrize("name", ["", "ТЕМ", "ТЕМ-105", "ТЕМ-104М2", "PCM-05.05P", "ТЭСМА-106", "none"])
def test_what_is_no_type_is_none(name: str) -> None:
    assert device_types.written(name) is None


def test_folded_spellings_stay_apart() -> None:
    names = (*device_types.DEVICE_TYPES, device_types.AUTO)
    assert len({device_types.fold(name) for name in names}) == len(names)


def test_types_that_we_do_not_know_are_compared_as_look_alikes_too() -> None:
    assert device_types.same_type("ВЗЛЁТ", "BЗЛET")
    assert not device_types.same_type("ВЗЛЕТ", "ВЗЛЕТ-2")
