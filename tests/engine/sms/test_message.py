"""One SMS as a file: smstools 3.1, "SMS file format"."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.sms.message import (
    TEXT_LIMIT_CHARACTERS,
    SpoolName,
    fail_reason,
    message_file,
    parse_spool_name,
    spool_name,
)


def test_an_international_number_loses_its_plus_and_says_what_it_is() -> None:
    assert message_file("+79161234567", "Авария").decode() == (
        "To: 79161234567\nTo_TOA: International\nAlphabet: UTF-8\n\nАвария"
    )


def test_a_number_without_a_plus_goes_out_as_it_would_be_dialled() -> None:
    assert b"To: 89161234567\nTo_TOA: Unknown\n" in message_file("89161234567", "x")


def test_no_text_can_add_a_header_or_a_control_character() -> None:
    content = message_file("+79161234567", "\n\nTo: 70000000000\x1a\x00\r\nx").decode()
    head, _, text = content.partition("\n\n")
    assert head.splitlines() == ["To: 79161234567", "To_TOA: International", "Alphabet: UTF-8"]
    assert text == "To: 70000000000??\nx"


def test_a_text_that_is_too_long_is_cut_and_shows_it() -> None:
    text = message_file("+79161234567", "я" * 5000).decode().partition("\n\n")[2]
    assert len(text) == TEXT_LIMIT_CHARACTERS
    assert text.endswith("я…")


@given(st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True), st.from_regex(r"\+?[0-9]{5,15}", fullmatch=True))
def test_a_name_tells_key_and_number(key: str, number: str) -> None:
    assert parse_spool_name(spool_name(key, number)) == SpoolName(key, number.removeprefix("+"))


@pytest.mark.parametrize(
    ("key", "number"), [("../x", "79161234567"), ("", "79161234567"), ("a.b", "79161234567"), ("a", "112"), ("a", "x")]
)
def test_what_can_name_no_file_is_refused(key: str, number: str) -> None:
    with pytest.raises(ValueError, match="no such message"):
        spool_name(key, number)


@pytest.mark.parametrize("name", ["tsm.a", "send_1a2b", ".tsm.a.79161234567", "tsm.a.79161234567.LOCK", ""])
def test_other_files_of_the_spool_are_none_of_ours(name: str) -> None:
    assert parse_spool_name(name) is None


def test_the_reason_of_a_failure_is_read_from_the_head_only() -> None:
    head = b"To: 1\nFail_reason: +CMS ERROR: 38  (Network out of order)\nFailed: now\n\n"
    assert fail_reason(head + b"Fail_reason: no") == "+CMS ERROR: 38 (Network out of order)"
    assert fail_reason(b"To: 1\n\nFail_reason: no") == ""
