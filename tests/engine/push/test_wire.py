"""The wire alone: what it asks of a server, and what it does not ask twice."""

from __future__ import annotations

import ftplib
from collections.abc import Iterator

import pytest

from engine.push.wire import Wire
from engine.settings import Server
from tests.fake.scripted_ftp import ScriptedFtp

SERVER = Server(
    section="server1", enabled=True, host="127.0.0.1", port=0, user="tsm", password="tsm-secret", directory="",
    interval_s=60, variants=("linux",), passive=True, tls=0, encoding="utf-8", timeout_s=5.0,
)  # fmt: skip


@pytest.fixture
def scripted() -> Iterator[ScriptedFtp]:
    with ScriptedFtp() as server:
        yield server


@pytest.fixture
def wire(scripted: ScriptedFtp) -> Iterator[Wire]:
    made = Wire(SERVER)
    made.connect(scripted.host, scripted.port)
    made.login("tsm", "tsm-secret")
    yield made
    made.close()


def types(server: ScriptedFtp) -> list[str]:
    return [line for line in server.commands if line.startswith("TYPE")]


def test_a_type_that_was_agreed_to_is_not_asked_for_again(wire: Wire, scripted: ScriptedFtp) -> None:
    for _ in range(3):
        wire.voidcmd("TYPE I")
    assert types(scripted) == ["TYPE I"]


def test_another_type_in_between_is_remembered(wire: Wire, scripted: ScriptedFtp) -> None:
    wire.voidcmd("TYPE I")
    wire.sendcmd("TYPE A")
    wire.voidcmd("TYPE I")
    assert types(scripted) == ["TYPE I", "TYPE A", "TYPE I"]


def test_a_type_that_was_refused_is_asked_for_again(wire: Wire, scripted: ScriptedFtp) -> None:
    scripted.replies["TYPE"] = "504 no such type"
    with pytest.raises(ftplib.error_perm):
        wire.voidcmd("TYPE I")
    del scripted.replies["TYPE"]
    wire.voidcmd("TYPE I")
    assert types(scripted) == ["TYPE I", "TYPE I"]


def test_other_commands_are_sent_as_often_as_they_are_given(wire: Wire, scripted: ScriptedFtp) -> None:
    wire.voidcmd("NOOP")
    wire.voidcmd("NOOP")
    assert scripted.commands.count("NOOP") == 2
