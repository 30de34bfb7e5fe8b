"""Whatever comes on the control connection: the server lives, others are served, nothing that is not his is touched."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.ftpd import session as ftpd_session
from engine.ftpd import transfer as ftpd_transfer
from tests.fake.leaks import nothing_left
from tests.fake.tormented_ftp import (
    ARGUMENTS,
    COMMANDS,
    GROWTH_LIMIT_BYTES,
    USERS,
    Rig,
    answer,
    conversations,
    encoded,
    resident_bytes,
)


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with pytest.MonkeyPatch.context() as patch, nothing_left():
        patch.setattr(ftpd_session.Session, "auth_failed_timeout", 0.02)
        patch.setattr(ftpd_transfer, "GRACE_S", 0.01)
        built = Rig(tmp_path_factory.mktemp("fuzz") / "root")
        yield built
        built.stop()


@pytest.fixture(autouse=True)
def no_traceback(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    told = "".join(capfd.readouterr()) + caplog.text
    assert "Traceback" not in told, told
    assert not [record for record in caplog.records if record.exc_info or record.levelname in ("ERROR", "CRITICAL")]


fuzz = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@fuzz
@given(data=conversations)
def test_anything_before_the_login(rig: Rig, data: bytes) -> None:
    rig.feed(data)
    rig.check()


@fuzz
@given(user=st.sampled_from(sorted(USERS)), data=conversations)
def test_anything_behind_the_login(rig: Rig, user: str, data: bytes) -> None:
    rig.feed(data, user)
    rig.check()


@pytest.mark.parametrize("user", ["", *USERS])
def test_every_command_with_every_odd_argument(rig: Rig, user: str) -> None:
    """The last is answered as the first, and nothing of what is hidden stands in an answer."""
    skipped = {"USER", "PASS", "REIN"} if user else {"PASS"}
    for command in [name for name in COMMANDS if name not in skipped]:
        data = b"".join(encoded(f"{command} {argument}\r\n") for argument in ARGUMENTS)
        answers = rig.feed(data + b"NOOP\r\n", user)
        assert answers.splitlines()[-1].startswith(b"200"), (command, answers[-300:])
        assert not any(secret in answers for secret in (b"cursor\r", b"program", str(rig.root).encode())), command
        rig.check()


def test_lines_without_an_end_take_no_memory(rig: Rig) -> None:
    before = resident_bytes()
    for user in ("", "main"):
        for filler in (b"A", b"\xff", b"\0", b" ", b"STOR "):
            rig.feed(filler * (4 * 1024 * 1024 // len(filler)), user)
            rig.check()
    assert resident_bytes() - before < GROWTH_LIMIT_BYTES


def test_thousands_of_commands_at_once_are_answered_in_their_order(rig: Rig) -> None:
    before = resident_bytes()
    answers = rig.feed(b"NOOP\r\nPWD\r\n" * 3000, "reader").splitlines()
    assert answers[::2] == [answers[0]] * 3000
    assert answers[1::2] == [answers[1]] * 3000
    assert resident_bytes() - before < GROWTH_LIMIT_BYTES
    rig.check()


def test_a_client_that_reads_no_answers_holds_up_nobody(rig: Rig) -> None:
    """He is fed slower, or cut; what waits for him is limited."""
    before = resident_bytes()
    with rig.talk("main") as deaf:
        deaf.settimeout(0.2)
        with contextlib.suppress(OSError):
            for _ in range(400):
                deaf.sendall(b"HELP\r\nFEAT\r\n" * 500)
        rig.check()
        assert resident_bytes() - before < 2 * GROWTH_LIMIT_BYTES
    rig.check()


def test_half_commands_and_sudden_ends(rig: Rig) -> None:
    chance = random.Random("half commands")
    whole = b"USER main\r\nPASS secret-1\r\nTYPE I\r\nPASV\r\nEPSV\r\nSTOR /log/Ftp/x.part\r\nRNFR /log/Ftp/x.part\r\n"
    for _ in range(60):
        with rig.talk() as connection:
            for byte in whole[: chance.randrange(len(whole))]:
                connection.sendall(bytes((byte,)))
                if chance.random() < 0.02:
                    break
    rig.check()


def test_a_byte_at_a_time_is_a_command_too(rig: Rig) -> None:
    with rig.talk("main") as connection:
        for byte in b"NOOP\r\n":
            connection.sendall(bytes((byte,)))
        assert answer(connection).startswith(b"2")
