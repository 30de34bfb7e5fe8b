"""A letter piece by piece: what comes out is a message that anybody can read, whatever is in it."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import SMTP
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.mail.account import Account, Security
from engine.mail.letter import Letter, packed, pieces

ACCOUNT = Account("h", 25, Security.NONE, "", "", "", "robot@example.ru", display=True, hostname="")


def letter(root: Path, *files: str) -> Letter:
    return Letter(1, "<1.a@board>", "Отчет", "текст\n", ("a@b.ru",), "ТСМ", None, root, files)


def read(data: bytes) -> EmailMessage:
    return cast("EmailMessage", BytesParser(policy=SMTP).parsebytes(data))


@given(st.lists(st.binary(max_size=200), max_size=4), st.integers(0, 300), st.text(max_size=60))
def test_files_come_out_as_they_are(contents: list[bytes], times: int, text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        names = [f"{place}.pdf" for place in range(len(contents))]
        for name, content in zip(names, contents, strict=True):
            Path(folder, name).write_bytes(content * times)
        whole = packed(replace(letter(Path(folder), *names), subject=text, name=text), ACCOUNT)
        data = b"".join(pieces(whole))
    assert data.endswith(b"\r\n") and b"\n" not in data.replace(b"\r\n", b"")
    assert not any(line.startswith(b".") for line in data.split(b"\r\n"))
    assert len(data) <= whole.size_bytes + 2
    message = read(data)
    assert [part.get_content() for part in message.iter_attachments()] == [content * times for content in contents]
    body = message.get_body()
    assert body is not None and body.get_content().rstrip() == "текст"


def test_a_file_that_goes_while_the_letter_is_sent_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"x")
    whole = packed(letter(tmp_path, "a.pdf"), ACCOUNT)
    (tmp_path / "a.pdf").unlink()
    with pytest.raises(FileNotFoundError):
        list(pieces(whole))


def test_no_file_is_read_before_it_is_sent(tmp_path: Path) -> None:
    """Ten megabytes are more than the agent's memory has room for."""
    (tmp_path / "a.pdf").write_bytes(b"x" * 5_000_000)
    whole = packed(letter(tmp_path, "a.pdf"), ACCOUNT)
    assert sum(len(part) for part in whole.parts if isinstance(part, bytes)) < 2000
    assert max(map(len, pieces(whole))) < 100_000


def test_line_breaks_in_a_name_make_no_header(tmp_path: Path) -> None:
    whole = replace(letter(tmp_path), subject="a\r\nBcc: x@y.ru", name='"; <x@y.ru>\n')
    message = read(b"".join(pieces(packed(whole, ACCOUNT))))
    assert message["Bcc"] is None and message["Subject"] == "a Bcc: x@y.ru"
    assert message["From"].addresses[0].addr_spec == "robot@example.ru"
