"""Mail on its way out: one thread, one letter at a time, over smtplib.

What a server says is sorted: 4xx and whatever breaks are worth another try, 5xx to one of several addresses is told
and the others get the letter. No password ever stands in a reason.
"""

from __future__ import annotations

import queue
import smtplib
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from engine.errors import DeliveryFailed
from engine.mail.account import Account, Security
from engine.mail.letter import Letter, Packed, packed, pieces
from engine.reasons import why
from engine.trust import trust
from engine.worker import Worker

TIMEOUT_S = 30.0
"""For one answer of the server."""
DATA_TIMEOUT_S, END_TIMEOUT_S = 180.0, 600.0
"""For a piece of the letter to go, and for the answer to its end: who gives up sooner sends a letter twice that was
taken (RFC 5321, 4.5.3.2)."""
_BAD_TALK = (OSError, ValueError)
"""What smtplib raises: the second on answers that make no sense, and on words that cannot be sent."""
_SHOWN_CHARACTERS = 120
_TOO_LARGE = (552, 554)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a letter. `accepted` have it; `refused` never will, `delayed` maybe later, each with its reason.

    `error` says why nobody got it, empty when somebody did or everybody has an answer of his own.
    """

    number: int
    accepted: tuple[str, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)
    delayed: Mapping[str, str] = field(default_factory=dict)
    error: str = ""


class Mailer(Worker):
    """Sends what is posted, and calls `wake` when there is an outcome. `post` and `outcome` are for one other thread.

    `ca_file` holds certificates that are believed beside the system's; it need not be there.
    """

    def __init__(
        self,
        ca_file: Path,
        wake: Callable[[], None],
        crashed: Callable[[str, str], None],
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        super().__init__("mail", crashed)
        self._ca_file = ca_file
        self._wake = wake
        self._timeout_s = timeout_s
        self._posted: queue.SimpleQueue[tuple[Account, Letter] | None] = queue.SimpleQueue()
        self._outcomes: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
        self._smtp: smtplib.SMTP | None = None

    def post(self, account: Account, letter: Letter) -> None:
        """Send a letter; its outcome follows."""
        self._posted.put((account, letter))

    def outcome(self) -> Outcome | None:
        """The next outcome that nobody has taken yet."""
        try:
            return self._outcomes.get_nowait()
        except queue.Empty:
            return None

    def work(self) -> None:
        while (posted := self._posted.get()) is not None and not self.stopping.is_set():
            outcome = self.send(*posted)
            if outcome.accepted or not self.stopping.is_set():
                self._outcomes.put(outcome)
                self._wake()

    def stop(self) -> None:
        """End soon; a letter on its way is cut off, and sent again after the next start."""
        super().stop()
        self._posted.put(None)
        sock = self._smtp.sock if self._smtp else None
        if sock is not None:
            try:
                # An encrypted socket's own way first forgets the encryption: what is sent meanwhile goes in the clear.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
            except OSError:
                pass  # it has ended by itself

    def send(self, account: Account, letter: Letter) -> Outcome:
        """One session for one letter. Never raises what a server or the network can do."""
        whole = packed(letter, account)
        try:
            smtp = self._connected(account)
        except DeliveryFailed as error:
            return Outcome(letter.number, error=str(error))
        except _BAD_TALK as error:
            return Outcome(letter.number, error=f"{account.host}:{account.port}: {_reason(error, account)}")
        try:
            self._smtp = smtp
            _log_in(smtp, account)
            return _handed_over(smtp, account, letter, whole)
        except _BAD_TALK as error:
            return Outcome(letter.number, error=f"{account.host}:{account.port}: {_reason(error, account)}")
        finally:
            self._smtp = None
            _leave(smtp)

    def _connected(self, account: Account) -> smtplib.SMTP:
        """An open connection, encrypted as the account says, with the server's name checked."""
        own_name = account.hostname or socket.gethostname()
        if account.security is Security.NONE:
            return smtplib.SMTP(account.host, account.port, own_name, self._timeout_s)
        context = trust(self._ca_file)
        if account.security is Security.TLS:
            return smtplib.SMTP_SSL(account.host, account.port, own_name, timeout=self._timeout_s, context=context)
        smtp = smtplib.SMTP(account.host, account.port, own_name, self._timeout_s)
        try:
            self._smtp = smtp
            smtp.ehlo_or_helo_if_needed()
            code, said = smtp.starttls(context=context)
            if code != 220:
                raise smtplib.SMTPResponseException(code, said)
        except BaseException:
            smtp.close()
            raise
        return smtp


def _log_in(smtp: smtplib.SMTP, account: Account) -> None:
    smtp.ehlo_or_helo_if_needed()
    if not account.user:
        return
    smtp.user, smtp.password = account.user, account.password
    if not account.method:
        smtp.login(account.user, account.password)
        return
    if account.method == "CRAM-MD5":
        smtp.auth(account.method, smtp.auth_cram_md5)
    elif account.method == "LOGIN":
        smtp.auth(account.method, smtp.auth_login, initial_response_ok=False)
    else:
        smtp.auth(account.method, smtp.auth_plain)


def _handed_over(smtp: smtplib.SMTP, account: Account, letter: Letter, data: Packed) -> Outcome:
    """With the attachments, and when they are too much for this server without them."""
    size = smtp.esmtp_features.get("size", "")
    if letter.files and size.isdigit() and 0 < int(size) < data.size_bytes:
        data = packed(letter, account, attached=False)
    try:
        refused = _sent(smtp, account, letter, data)
    except smtplib.SMTPResponseException as error:
        if not letter.files or error.smtp_code not in _TOO_LARGE:
            raise
        smtp.rset()
        refused = _sent(smtp, account, letter, packed(letter, account, attached=False))
    told = {address: _said(code, text, account) for address, (code, text) in refused.items()}
    never = {address: told[address] for address, (code, _) in refused.items() if code >= 500}
    later = {address: text for address, text in told.items() if address not in never}
    return Outcome(letter.number, tuple(each for each in letter.to if each not in told), never, later)


def _sent(smtp: smtplib.SMTP, account: Account, letter: Letter, data: Packed) -> dict[str, tuple[int, bytes]]:
    """Addresses that the server did not take, with its answers; it has the letter for all others.

    Raises `SMTPResponseException` when it takes it for nobody. A file that cannot be read cuts the session off: what
    has no end is no letter.
    """
    _checked(smtp.mail(account.sender, [f"size={data.size_bytes}"] if smtp.has_extn("size") else ()), 250)
    answers = {address: smtp.rcpt(address) for address in letter.to}
    refused = {address: answer for address, answer in answers.items() if answer[0] not in (250, 251)}
    if len(refused) == len(answers):
        smtp.rset()
        return refused
    _checked(smtp.docmd("DATA"), 354)
    _wait_for(smtp, DATA_TIMEOUT_S)
    try:
        for piece in pieces(data):
            smtp.send(piece)
    except OSError:
        smtp.close()
        raise
    smtp.send(b".\r\n")
    _wait_for(smtp, END_TIMEOUT_S)
    answer = smtp.getreply()
    _wait_for(smtp, smtp.timeout)
    _checked(answer, 250)
    return refused


def _wait_for(smtp: smtplib.SMTP, timeout_s: float) -> None:
    if smtp.sock is not None:
        smtp.sock.settimeout(timeout_s)


def _checked(answer: tuple[int, bytes], wanted: int) -> None:
    if answer[0] != wanted:
        raise smtplib.SMTPResponseException(*answer)


def _leave(smtp: smtplib.SMTP) -> None:
    try:
        smtp.quit()
    except _BAD_TALK:
        pass  # the letter is taken, or it is not: a farewell changes nothing
    finally:
        smtp.close()


def _reason(error: Exception, account: Account) -> str:
    """In the user's words. smtplib's errors are OSErrors without a number."""
    if not isinstance(error, OSError):
        return "сервер ответил не по правилам"
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return f"сервер не принял имя или пароль (AuthUser, AuthPass), ответ {error.smtp_code}"
    if isinstance(error, smtplib.SMTPNotSupportedError):
        wants = "STARTTLS" if account.security is Security.STARTTLS else "вход по имени и паролю"
        return f"сервер не умеет того, что нужно ({wants})"
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return "сервер прервал разговор или не ответил вовремя"
    if isinstance(error, smtplib.SMTPResponseException):
        return _said(error.smtp_code, error.smtp_error, account)
    if isinstance(error, smtplib.SMTPException):
        return "вход по имени и паролю невозможен" if account.user else "сервер ответил не по правилам"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"{why(error)} ({error.verify_message})"
    return why(error)


def _said(code: int, text: bytes | str, account: Account) -> str:
    """The server's own words, on one line and without the password."""
    words = " ".join((text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)).split())
    if account.password:
        words = words.replace(account.password, "***")
    return f"отказ сервера: {code} {''.join(filter(str.isprintable, words))[:_SHOWN_CHARACTERS]}".rstrip()
