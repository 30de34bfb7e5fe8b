from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.dialect import textfile
from engine.dialect.textfile import Line, decode, parse_ini, replace_value


def problems(text: str) -> list[str]:
    return [str(problem) for problem in parse_ini("a.ini", text)[1]]


@pytest.mark.parametrize(
    "data",
    ["Имя=Ёж\n".encode(), b"\xef\xbb\xbf" + "Имя=Ёж\n".encode(), "Имя=Ёж\n".encode("cp1251"), "Имя=Ёж\r\n".encode()],
    ids=["utf-8", "bom", "cp1251", "crlf"],
)
def test_every_tolerated_encoding_gives_one_text(data: bytes) -> None:
    assert decode(data) == "Имя=Ёж\n"


def test_lines_come_in_order_with_number_section_key_and_value() -> None:
    lines, wrong = parse_ini("a.ini", "; заголовок\n[One]\nKey=a b\n\n# ещё\n[two]\n  ; с отступом\nother = x=y \n")
    assert lines == [Line(3, "One", "Key", "a b"), Line(8, "two", "other", "x=y")]
    assert wrong == []


def test_a_comment_sign_inside_a_value_belongs_to_the_value() -> None:
    assert parse_ini("", "[a]\nk=1 ; 2 # 3\n")[0] == [Line(2, "a", "k", "1 ; 2 # 3")]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("key=1", 1),
        ("[a]\nkey", 2),
        ("[a]\n=1", 2),
        ("[a]\n key=1", 2),
        ("[a]\n\tkey=1", 2),
        ("[a]\nkey  =1", 2),
        ("[a]\nkey=  1", 2),
        ("[a]\nkey=\t1", 2),
        ("[a]\nkey\t=1", 2),
        ("[a", 1),
        ("[]", 1),
        ("[a]b", 1),
        ("[[a]]", 1),
        ("[a]\nkey=1\nkey=1", 3),
        ("[a]\nkey=1\nKEY=2", 3),
        ("[a]\nkey=1\n[b]\n[A]\nKey=2", 5),
        ("[a]\nk\x00=1", 2),
        ("[a]\nk=1\r2", 2),
        ("[a]\nk=\x1b[0m", 2),
        ("[a]\nk=\ufffd", 2),
        ("[a]\nk=\udc98", 2),
    ],
)
def test_a_line_that_cannot_be_read_is_told_with_its_line(text: str, line: int) -> None:
    found = problems(text)
    assert len(found) == 1
    assert found[0].startswith(f"a.ini:{line}: ")


def test_every_problem_of_a_file_is_told() -> None:
    found = problems("x=1\n[a\nk=1\nK=2\nrubbish\n")
    assert [text.split(":")[1] for text in found] == ["1", "2", "4", "5"]


def test_keys_under_a_section_that_is_not_closed_are_kept_in_it() -> None:
    assert parse_ini("", "[agent\nNumber=1")[0] == [Line(2, "agent", "Number", "1")]


@pytest.mark.parametrize(
    "text",
    ["Password=hunter2", "[a]\nPassword hunter2", "[a]\nhunter2 x=1\nhunter2 x=1", "[a]\n hunter2=", "[a\nhunter2"],
)
def test_no_content_of_a_line_stands_in_a_problem(text: str) -> None:
    found = problems(text)
    assert found
    assert not any("hunter2" in problem for problem in found)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400))
def test_no_bytes_whatever_raise(data: bytes) -> None:
    lines, wrong = parse_ini("a.ini", decode(data))
    assert all(line.number >= 1 for line in lines)
    assert all(problem.line >= 1 and not problem.warning for problem in wrong)


NAME = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,8}", fullmatch=True)
VALUE = st.text(st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="\ufffd"), max_size=20).map(str.strip)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(NAME.map(str.lower), VALUE, max_size=5), st.sampled_from(["=", " = ", " =", "= "]))
def test_what_is_written_is_read_back(values: dict[str, str], equals: str) -> None:
    text = "[s]\n" + "".join(f"{key}{equals}{value}\n" for key, value in values.items())
    lines, wrong = parse_ini("", text)
    assert {line.key: line.value for line in lines} == values
    assert wrong == []


def test_one_value_is_replaced_and_all_else_stays() -> None:
    text = "; Часы\n[Time]\n; один раз\nset = 1122093026\nSyncPort=\n[other]\nSet=5\n"
    assert replace_value(text, "time", "Set", "") == "; Часы\n[Time]\n; один раз\nset=\nSyncPort=\n[other]\nSet=5\n"


def test_a_missing_key_is_added_under_its_section() -> None:
    assert replace_value("[time]\nA=1\n[b]\n", "time", "Set", "x") == "[time]\nSet=x\nA=1\n[b]\n"


@pytest.mark.parametrize("text", ["", "[b]\nk=1\n", "[b]\nk=1"])
def test_a_missing_section_is_added_at_the_end(text: str) -> None:
    changed = replace_value(text, "time", "Set", "x")
    assert changed.startswith(text)
    assert parse_ini("", changed)[0][-1].value == "x"
    assert parse_ini("", changed)[1] == []


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=80), VALUE)
def test_a_replaced_value_is_what_is_read_and_doing_it_twice_changes_nothing(text: str, value: str) -> None:
    once = replace_value(text, "time", "Set", value)
    assert replace_value(once, "time", "Set", value) == once
    found = [line.value for line in parse_ini("", once)[0] if (line.section, line.key) == ("time", "Set")]
    assert found == [value]


def test_a_long_senseless_line_is_refused_at_once() -> None:
    assert len(problems("[a]\nx" + " " * textfile.LIMIT_BYTES + "x")) == 1
