"""What the user's guide shows is what the program takes: its files, its commands, its links."""

from __future__ import annotations

import ftplib
import io
import re
import shlex
from dataclasses import replace
from pathlib import Path

import pytest

import agent
from engine import naming
from engine.command.words import parse, parse_file, usages, write
from engine.formats import fields
from engine.formats.archive import blocks as archive_blocks
from engine.formats.archive import read_head, read_record
from engine.formats.snapshot import ERROR_TEXTS, read_snapshot
from engine.ftpd import FtpServer
from engine.mail.account import Account, Security, account_of, remarks_of
from engine.settings import check_file, parse_ftp
from engine.settings.smallfiles import parse_ssmtp
from engine.settings.together import refusal
from tests.fake import guide_text
from tests.fake.guide_text import GUIDE, PROJECT, Block

TEXT = GUIDE.read_text("utf-8")
PAGES = [GUIDE, PROJECT / "README.md"]
PICTURE_LIMIT_BYTES = 150_000
INI = [block for block in guide_text.blocks(TEXT) if block.language == "ini"]
SHELL = [
    line for page in PAGES for block in guide_text.blocks(page.read_text("utf-8")) if block.language == "sh"
    for line in block.text.splitlines()
]  # fmt: skip


# --- files


@pytest.mark.parametrize("block", INI, ids=lambda block: block.text.split("\n")[0])
def test_every_settings_file_is_accepted_as_it_stands(block: Block) -> None:
    path = block.text.split("\n")[0].lstrip(";# ")
    assert naming.is_config(path), "the first line names the file"
    assert check_file(path, block.text.encode()) == ()
    assert check_file(path, block.text.replace("\n", "\r\n").encode("cp1251")) == ()


@pytest.mark.parametrize("block", guide_text.marked("file"), ids=lambda block: block.path)
def test_every_other_file_is_read_by_its_reader(block: Block) -> None:
    folder = block.path.rpartition("/")[0]
    if naming.is_config(block.path):
        assert check_file(block.path, block.text.encode()) == ()
    elif folder == naming.SNAPSHOTS:
        view = read_snapshot(block.text)
        assert view.device["DevNumber"] == Path(block.path).stem
        assert view.systems
        assert set(view.device) <= {*fields.DEVICE_KEYS, *fields.EXTRA_KEYS}
        assert {key for system in view.systems for key in system} <= set(fields.SYSTEM_KEYS)
    else:
        head, *records = archive_blocks(block.text.encode())
        assert read_head(head).dev_number == Path(folder).name
        assert [naming.archive_path(read_head(head).dev_number, record.rec_type, record.stamp) for record in
                map(read_record, records)] == [block.path]  # fmt: skip


def test_the_examples_of_mail_send_encrypted_and_lack_nothing() -> None:
    texts = [block.text for block in INI if block.text.startswith(f"# {naming.SSMTP_CONF}\n")]
    told = [parse_ssmtp(naming.SSMTP_CONF, text) for text in texts]
    accounts = [account_of(values, ()) for values in told]
    assert [(each.port, each.security) for each in accounts if isinstance(each, Account)] == [
        (465, Security.TLS),
        (587, Security.STARTTLS),
    ]
    assert [remarks_of(account, values) for account, values in zip(accounts, told, strict=True)
            if isinstance(account, Account)] == [[], []]  # fmt: skip


def test_a_wrong_file_is_answered_as_the_guide_shows(tmp_path: Path) -> None:
    (wrong,), (reply,) = guide_text.marked("wrong"), guide_text.marked("reply")
    (tmp_path / wrong.path).parent.mkdir(parents=True)
    settings, _ = parse_ftp(naming.FTP_INI, "[internal]\nBind=127.0.0.1\n")
    server = FtpServer(tmp_path, replace(settings.internal, port=0), refusal, lambda _path: None)
    server.start()
    try:
        with ftplib.FTP() as client:
            client.connect("127.0.0.1", server.port, timeout=10)
            client.login("TsmSmartFtp", "TsmSmartFtp")
            with pytest.raises(ftplib.error_perm) as told:
                client.storbinary(f"STOR {wrong.path}", io.BytesIO(wrong.text.encode()))
    finally:
        server.stop()
    assert f"{told.value}\n" == reply.text
    assert (tmp_path / f"{wrong.path}.refused").read_text("utf-8") == wrong.text


# --- commands


@pytest.mark.parametrize("block", guide_text.marked("command"), ids=lambda block: block.path)
def test_every_command_file_is_understood(block: Block) -> None:
    assert Path(block.path).parent.as_posix() == naming.COMMANDS
    commands, problems = parse_file(block.path, block.text)
    assert commands
    assert problems == ()


@pytest.mark.parametrize("block", guide_text.marked("answer"), ids=lambda block: block.path)
def test_every_answer_begins_and_ends_like_one(block: Block) -> None:
    lines = block.text.splitlines()
    assert lines[-1] == "DONE" or lines[-1].startswith("FAILED: ")
    for line in lines:
        if line.startswith("# "):
            assert write(parse(line[2:])) == line[2:]


def test_the_wrong_command_is_answered_as_the_guide_shows() -> None:
    (answer,) = (block for block in guide_text.marked("answer") if block.path.endswith("/oshibka.out"))
    _, problems = parse_file("oshibka.txt", "raed 440020")
    assert answer.text.splitlines()[:-1] == list(map(str, problems))


def test_the_examples_of_commands_are_all_there_and_understood() -> None:
    table = TEXT.partition("| пример | зачем |")[2].partition("\n\n")[0]
    examples = re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)
    assert {write(parse(example)).split()[0] for example in examples} == set(usages())


@pytest.mark.parametrize("line", [line for line in SHELL if re.search(r"tsm-smart \w|scripts/run ", line)])
def test_every_call_of_the_agent_is_understood(line: str) -> None:
    words = shlex.split(line.partition(" #")[0])
    del words[: 1 + next(place for place, word in enumerate(words) if Path(word).name in ("run", "tsm-smart"))]
    words = [word for word in words if word != "--demo"]
    if words[:1] == ["emulate"] or not words:
        return
    if words[0] in {"stop", "start", "restart"}:
        assert line.startswith("sudo systemctl")
        return
    options = agent._parser(PROJECT).parse_args(words)
    if "word" in options:
        parse(" ".join([options.word, *options.words]))


def test_every_script_and_option_of_the_shell_is_there() -> None:
    named = [(line, found) for line in SHELL for found in re.findall(r"(?:\./|current/)scripts/([\w-]+)", line)]
    assert len(named) > 10
    for line, script in named:
        text = (PROJECT / "scripts" / script).read_text("utf-8")
        given = re.findall(r" --([\w-]+)", line.partition(f"scripts/{script}")[2].partition(" #")[0])
        if script != "run":  # whose words are the agent's: the test above knows them
            assert [option for option in given if f"--{option}" not in text] == [], line


def test_every_shipped_file_that_the_shell_names_is_there() -> None:
    named = re.findall(r"(?:/opt/tsm-smart/current/| )((?:etc/|scripts/)\S+)", "\n".join(SHELL))
    assert named
    assert [path for path in named if not (PROJECT / path).exists()] == []
    units = set(re.findall(r"(tsm-[\w-]+\.(?:path|service))(?=\s|$)", "\n".join(SHELL)))
    assert [unit for unit in units if not (PROJECT / "etc/systemd" / unit).exists()] == []


# --- completeness


def test_every_key_of_a_snapshot_and_a_record_is_explained() -> None:
    chapter = TEXT.partition("\n## 4. ")[2].partition("\n## 5. ")[0]
    own = {*fields.DEVICE_KEYS, *fields.SYSTEM_KEYS, *fields.EXTRA_KEYS, *fields.EVENT_MANUAL, *fields.EVENT_EXTRA}
    grown = {key for key in fields.RECORD_KEYS if not key.startswith("d")}
    assert {key for key in own | grown if f"`{key}`" not in chapter} == set()


def test_every_error_number_is_explained() -> None:
    chapter = TEXT.partition("### События")[2].partition("\n## 5. ")[0]
    assert [number for number, text in ERROR_TEXTS.items() if f"| {number} | {text}" not in chapter] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    text = page.read_text("utf-8")
    for link in guide_text.links(text):
        if not link.startswith(("http://", "https://")):
            path, _, anchor = link.partition("#")
            target = (page.parent / path).resolve() if path else page
            assert target.exists(), link
            assert not anchor or anchor in guide_text.anchors(target.read_text("utf-8")), link


def test_every_picture_is_shown_and_small() -> None:
    shown = {link for page in PAGES for link in guide_text.links(page.read_text("utf-8")) if "pictures/" in link}
    pictures = [path for path in (PROJECT / "docs/pictures").iterdir() if path.suffix in (".png", ".svg")]
    assert {path.name for path in pictures} == {Path(link).name for link in shown}
    assert [path.name for path in pictures if path.stat().st_size > PICTURE_LIMIT_BYTES] == []
