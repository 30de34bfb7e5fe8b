"""Letters to a real server on loopback: encrypted, with a login; refused at each command; silent; not believed."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine import files
from engine.mail.account import Account, Security
from engine.mail.letter import ATTACHED_BYTES_MOST, Letter
from engine.mail.mailer import Mailer, Outcome
from tests.fake.certificates import LOOPBACK, Identity, authority, server_identity
from tests.fake.debian_servers import free_port
from tests.fake.mail_servers import PASSWORD, USER, Letters, mail_server, scripted_server, silent_server

TO = ("one@example.ru", "two@example.ru")
DAY = datetime(2026, 11, 22, 9, 5, 30, tzinfo=UTC)


def account(port: int, security: Security = Security.NONE, **changed: object) -> Account:
    whole = Account(LOOPBACK, port, security, "", "", "", "robot@example.ru", display=True, hostname="board")
    return replace(whole, **changed)  # type: ignore[arg-type]


def letter(root: Path, **changed: object) -> Letter:
    body = "ТЭСМА-106/2 №165056, система 3: ошибка 2\n"
    whole = Letter(7, "<7.abc@board>", "ТСМ-СМАРТ: отчет об ошибках", body, TO, "ТСМ-СМАРТ, котельная", DAY, root)
    return replace(whole, **changed)  # type: ignore[arg-type]


def mailer(root: Path, timeout_s: float = 10.0) -> Mailer:
    return Mailer(root / "ca.pem", lambda: None, lambda _name, text: pytest.fail(text), timeout_s)


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Identity, Identity]:
    folder = tmp_path_factory.mktemp("identities")
    issuer = authority(folder)
    return issuer, server_identity(folder, issuer)


def test_a_letter_arrives_as_it_was_written(tmp_path: Path) -> None:
    (tmp_path / "www").mkdir()
    (tmp_path / "www/report.pdf").write_bytes(b"%PDF-1.7" + bytes(range(256)) * 50)
    letters = Letters()
    with mail_server(letters) as port:
        outcome = mailer(tmp_path).send(account(port), letter(tmp_path, files=("www/report.pdf",)))
    assert outcome == Outcome(7, TO)
    (message,) = letters.messages
    assert message["Subject"] == "ТСМ-СМАРТ: отчет об ошибках"
    assert message["From"] == '"ТСМ-СМАРТ, котельная" <robot@example.ru>'
    assert message["To"] == ", ".join(TO)
    assert message["Message-ID"] == "<7.abc@board>"
    assert message["Date"].datetime == DAY
    body = message.get_body()
    assert body is not None and body.get_content().replace("\r\n", "\n") == letter(tmp_path).body
    (attachment,) = message.iter_attachments()
    assert attachment.get_filename() == "report.pdf"
    assert attachment.get_content() == (tmp_path / "www/report.pdf").read_bytes()
    assert letters.envelopes[0].mail_from == "robot@example.ru"
    assert letters.envelopes[0].rcpt_tos == list(TO)


def test_the_address_stands_alone_when_the_name_may_not_override_it(tmp_path: Path) -> None:
    letters = Letters()
    with mail_server(letters) as port:
        mailer(tmp_path).send(account(port, display=False), letter(tmp_path, date=None))
    assert letters.messages[0]["From"] == "robot@example.ru"
    assert letters.messages[0]["Date"] is None


@pytest.mark.parametrize("implicit", [True, False], ids=["implicit", "starttls"])
@pytest.mark.parametrize("method", ["", "PLAIN", "LOGIN"])
def test_login_and_letter_go_encrypted(
    tmp_path: Path, trusted: tuple[Identity, Identity], implicit: bool, method: str
) -> None:
    issuer, identity = trusted
    (tmp_path / "ca.pem").write_bytes(issuer.pem)
    letters = Letters()
    security = Security.TLS if implicit else Security.STARTTLS
    with mail_server(letters, identity, implicit=implicit, login=True) as port:
        own = account(port, security, user=USER, password=PASSWORD, method=method)
        outcome = mailer(tmp_path).send(own, letter(tmp_path))
    assert outcome == Outcome(7, TO)
    assert letters.secured == [not implicit]  # one that encrypts from the start understands nothing else
    assert letters.logins == [method or letters.logins[0]]


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
def test_a_server_that_cannot_be_believed_gets_no_name_and_no_letter(
    tmp_path: Path, trusted: tuple[Identity, Identity], security: Security
) -> None:
    letters = Letters()
    with mail_server(letters, trusted[1], implicit=security is Security.TLS, login=True) as port:
        outcome = mailer(tmp_path).send(account(port, security, user=USER, password=PASSWORD), letter(tmp_path))
    assert "сертификату другой стороны нельзя верить" in outcome.error
    assert not letters.logins and not letters.envelopes


def test_a_certificate_for_another_name_is_refused(tmp_path: Path) -> None:
    issuer = authority(tmp_path / "identities")
    identity = server_identity(tmp_path / "identities", issuer, address="127.0.0.2")
    (tmp_path / "ca.pem").write_bytes(issuer.pem)
    letters = Letters()
    with mail_server(letters, identity, implicit=True) as port:
        outcome = mailer(tmp_path).send(account(port, Security.TLS), letter(tmp_path))
    assert "сертификату" in outcome.error and not letters.envelopes


def test_without_starttls_nothing_goes_in_the_clear(tmp_path: Path) -> None:
    letters = Letters()
    with mail_server(letters, login=True) as port:
        own = account(port, Security.STARTTLS, user=USER, password=PASSWORD)
        outcome = mailer(tmp_path).send(own, letter(tmp_path))
    assert "STARTTLS" in outcome.error
    assert not letters.logins and not letters.envelopes


def test_a_ca_file_that_is_none_stops_the_mail(tmp_path: Path, trusted: tuple[Identity, Identity]) -> None:
    (tmp_path / "ca.pem").write_text("это не сертификат")
    with mail_server(Letters(), trusted[1], implicit=True) as port:
        outcome = mailer(tmp_path).send(account(port, Security.TLS), letter(tmp_path))
    assert "log/User/ca.pem" in outcome.error


def test_a_wrong_password_is_told_and_does_not_stand_in_the_reason(tmp_path: Path) -> None:
    letters = Letters()
    with mail_server(letters, login=True) as port:
        outcome = mailer(tmp_path).send(account(port, user=USER, password="other-w0rd"), letter(tmp_path))
    assert "имя или пароль" in outcome.error and "535" in outcome.error
    assert "other-w0rd" not in str(outcome) and not letters.envelopes


@pytest.mark.parametrize("command", ["MAIL", "DATA"])
@pytest.mark.parametrize("code", ["451", "554"])
def test_a_refusal_of_the_whole_letter_is_an_error(tmp_path: Path, command: str, code: str) -> None:
    letters = Letters({command: f"{code} not today, s3cret-word"})
    with mail_server(letters) as port:
        outcome = mailer(tmp_path).send(account(port, password=PASSWORD), letter(tmp_path))
    assert outcome.accepted == () and f"{code} not today, ***" in outcome.error
    assert not letters.envelopes


def test_of_several_addresses_one_is_refused_one_delayed_and_the_others_get_it(tmp_path: Path) -> None:
    letters = Letters({"one@example.ru": "550 no such user", "two@example.ru": "450 later"})
    with mail_server(letters) as port:
        outcome = mailer(tmp_path).send(account(port), letter(tmp_path, to=(*TO, "three@example.ru")))
    assert outcome.accepted == ("three@example.ru",) and not outcome.error
    assert list(outcome.refused) == ["one@example.ru"] and "550 no such user" in outcome.refused["one@example.ru"]
    assert list(outcome.delayed) == ["two@example.ru"]
    assert letters.envelopes[0].rcpt_tos == ["three@example.ru"]


def test_all_refused_is_told_address_by_address(tmp_path: Path) -> None:
    with mail_server(Letters({"RCPT": "550 no relay"})) as port:
        outcome = mailer(tmp_path).send(account(port), letter(tmp_path))
    assert outcome.accepted == () and set(outcome.refused) == set(TO)


def test_nobody_listens(tmp_path: Path) -> None:
    outcome = mailer(tmp_path).send(account(free_port()), letter(tmp_path))
    assert "не принимает соединение" in outcome.error


@pytest.mark.parametrize("greeting", [b"", b"220 hello\r\n"], ids=["no word", "a greeting only"])
@pytest.mark.parametrize("security", list(Security))
def test_a_silent_server_is_left_in_time(tmp_path: Path, greeting: bytes, security: Security) -> None:
    with silent_server(greeting) as port:
        outcome = mailer(tmp_path, timeout_s=0.2).send(account(port, security), letter(tmp_path))
    assert outcome.accepted == () and outcome.error


def test_a_server_that_looks_at_a_letter_for_long_has_it_once(tmp_path: Path) -> None:
    """Whoever gives up before the answer sends again what was taken."""
    letters = Letters()
    letters.looks_s = 1.0
    with mail_server(letters) as port:
        outcome = mailer(tmp_path, timeout_s=0.3).send(account(port), letter(tmp_path))
    assert outcome == Outcome(7, TO) and len(letters.envelopes) == 1


@pytest.mark.parametrize("host", ["mail..ru", ".ru", "a" * 70 + ".ru"])
@pytest.mark.parametrize("security", list(Security))
def test_a_name_that_no_server_can_have_is_an_error_like_any_other(
    tmp_path: Path, host: str, security: Security
) -> None:
    outcome = mailer(tmp_path).send(replace(account(25, security), host=host), letter(tmp_path))
    assert outcome.accepted == () and outcome.error.startswith(f"{host}:25: ")


@pytest.mark.parametrize("challenge", [b"334 a\r\n", b"334 \r\n", b"what\r\n"])
def test_a_server_that_talks_nonsense_is_an_error_like_any_other(tmp_path: Path, challenge: bytes) -> None:
    answers = {"EHLO": b"250-x\r\n250 AUTH CRAM-MD5\r\n", "AUTH": challenge}
    with scripted_server(answers) as port:
        own = account(port, user=USER, password=PASSWORD, method="CRAM-MD5")
        outcome = mailer(tmp_path, timeout_s=1.0).send(own, letter(tmp_path))
    assert outcome.accepted == () and outcome.error and PASSWORD not in str(outcome)


def test_a_letter_that_cannot_be_made_is_a_fault_of_ours_and_not_the_servers(tmp_path: Path) -> None:
    with mail_server(Letters()) as port, pytest.raises(UnicodeEncodeError):
        mailer(tmp_path).send(account(port), letter(tmp_path, body="\udcff"))


def test_what_a_server_says_moves_no_cursor_where_it_is_read(tmp_path: Path) -> None:
    with scripted_server({"MAIL": b"451 \x1b[2J\x07later\r\n"}) as port:
        outcome = mailer(tmp_path).send(account(port), letter(tmp_path))
    assert outcome.error.endswith("отказ сервера: 451 [2Jlater")


# --- attachments


def _with_files(root: Path, *sizes: int) -> tuple[str, ...]:
    names = tuple(f"www/Otchety1126m/{place}.pdf" for place in range(len(sizes)))
    (root / "www/Otchety1126m").mkdir(parents=True)
    for name, size in zip(names, sizes, strict=True):
        (root / name).write_bytes(b"x" * size)
    return names


def test_files_beyond_the_limit_are_named_with_their_place(tmp_path: Path) -> None:
    names = _with_files(tmp_path, ATTACHED_BYTES_MOST, 10, 0)
    letters = Letters()
    with mail_server(letters) as port:
        mailer(tmp_path).send(account(port), letter(tmp_path, files=(*names, "www/gone.pdf")))
    (message,) = letters.messages
    assert [part.get_filename() for part in message.iter_attachments()] == ["0.pdf", "2.pdf"]
    body = message.get_body()
    assert body is not None
    text = body.get_content()
    assert "www/Otchety1126m/1.pdf" in text and "по FTP" in text and "www/gone.pdf: файла нет" in text


@pytest.mark.parametrize("announced", [True, False], ids=["SIZE", "552 at DATA"])
def test_a_letter_too_large_for_the_server_goes_without_its_files(tmp_path: Path, announced: bool) -> None:
    names = _with_files(tmp_path, 60_000)
    letters = Letters({} if announced else {"most": "20000"})
    with mail_server(letters, size=20_000 if announced else 1 << 25) as port:
        outcome = mailer(tmp_path).send(account(port), letter(tmp_path, files=names))
    assert outcome.accepted == TO
    (message,) = letters.messages
    assert list(message.iter_attachments()) == []
    body = message.get_body()
    assert body is not None and names[0] in body.get_content()


def test_a_letter_whose_file_goes_meanwhile_is_no_letter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = _with_files(tmp_path, 200_000, 10)
    letters = Letters()

    def gone(path: str, flags: int) -> int:
        if path.endswith("1.pdf"):
            raise FileNotFoundError(2, "gone", path)
        return open_regular(path, flags)

    open_regular = files.open_regular
    monkeypatch.setattr(files, "open_regular", gone)
    with mail_server(letters) as port:
        outcome = mailer(tmp_path).send(account(port), letter(tmp_path, files=names))
    assert "файла нет" in outcome.error and not letters.envelopes


# --- the thread


def _until(condition: Callable[[], object]) -> None:
    ends_s = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < ends_s
        time.sleep(0.01)


def test_the_thread_sends_in_order_and_tells_each_outcome(tmp_path: Path) -> None:
    woken = threading.Event()
    letters = Letters()
    sender = Mailer(tmp_path / "ca.pem", woken.set, lambda _name, text: pytest.fail(text))
    sender.start()
    with mail_server(letters) as port:
        for number in (1, 2):
            sender.post(account(port), letter(tmp_path, number=number, message_id=f"<{number}@b>"))
        outcomes: list[Outcome] = []

        def both() -> bool:
            outcome = sender.outcome()
            outcomes.extend([outcome] if outcome else [])
            return len(outcomes) == 2

        _until(both)
    sender.stop()
    sender.join(10)
    assert not sender.is_alive() and woken.is_set()
    assert [outcome.number for outcome in outcomes] == [1, 2]
    assert [message["Message-ID"] for message in letters.messages] == ["<1@b>", "<2@b>"]


def test_stop_does_not_wait_for_a_silent_server(tmp_path: Path) -> None:
    sender = Mailer(tmp_path / "ca.pem", lambda: None, lambda _name, text: pytest.fail(text), timeout_s=60)
    with silent_server(b"220 hello\r\n") as port:
        sender.start()
        sender.post(account(port), letter(tmp_path))
        _until(lambda: sender._smtp is not None)
        sender.stop()
        sender.join(10)
        assert not sender.is_alive()


def test_stop_never_takes_the_encryption_off(
    tmp_path: Path, trusted: tuple[Identity, Identity], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thread may be sending the password at this moment."""
    (tmp_path / "ca.pem").write_bytes(trusted[0].pem)
    monkeypatch.setattr(ssl.SSLSocket, "shutdown", lambda *_: pytest.fail("what is sent now would go in the clear"))
    sender = mailer(tmp_path)
    with mail_server(Letters(), trusted[1], implicit=True) as port:
        sender._smtp = sender._connected(account(port, Security.TLS))
        sender.stop()
        assert sender._smtp.sock is not None and sender._smtp.sock.recv(1) == b""
        sender._smtp.close()


def test_no_name_is_looked_up_for_the_greeting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a board without DNS that would take minutes."""
    monkeypatch.setattr(socket, "getfqdn", lambda *_: pytest.fail("a name was looked up"))
    letters = Letters()
    with mail_server(letters) as port:
        assert mailer(tmp_path).send(account(port, hostname=""), letter(tmp_path)).accepted == TO
