"""Notices on their way to people: by mail through one thread, by SMS through a spool. Used by the main thread."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from engine import naming
from engine.alert.book import Book
from engine.alert.notice import ERRORS, Notice
from engine.due import Restarts, growing_pause
from engine.errors import SettingsWrong
from engine.formats.status import moment_text
from engine.mail.account import Account, account_of, recipients_of, remarks_of
from engine.mail.trust import CA_PATH
from engine.reasons import why
from engine.runtime.part import House
from engine.settings import AgentSettings, smallfiles

if TYPE_CHECKING:
    from engine.mail.mailer import Mailer, Outcome

FIRST_PAUSE_S = 60.0
LONGEST_PAUSE_S = 3600.0
ATTEMPTS_MOST = 200
"""After more than a week nobody waits for it any more."""
DISK_PAUSE_S = 10.0
STOP_TIMEOUT_S = 5.0


class Spool(Protocol):
    """Where SMS are handed over. Both raise `OSError`."""

    def put(self, key: str, numbers: Sequence[str], text: str) -> None:
        """A text for each number; a key that was handed over before is left alone."""

    def state(self, key: str) -> str:
        """`waiting`, `sent`, `failed` or `absent`."""


class Postman:
    """Every notice that somebody has not got yet. `spool` is None where no SMS can be sent."""

    def __init__(self, house: House, book: Book) -> None:
        self.notices: list[Notice] = []
        self.spool: Spool | None = None
        self._house = house
        self._book = book
        self._agent: AgentSettings | None = None
        self._account: Account | str = ""
        self._recipients: tuple[str, ...] = ()
        self._remarks: list[str] = []
        self._mailer: Mailer | None = None
        self._sending: int | None = None
        self._due_s = -math.inf
        self._hold_s = -math.inf
        self._unwritten: dict[int, Notice] = {}
        self._error = self._sms_error = self._last = self._last_sms = ""
        self._restarts = Restarts()

    # --- settings

    def apply(self, agent: AgentSettings, now_s: float) -> None:
        """Send as these settings say; what failed is tried again at once."""
        self._agent, self._due_s = agent, now_s
        try:
            ssmtp = smallfiles.parse_ssmtp(naming.SSMTP_CONF, self._house.text(naming.SSMTP_CONF))
            aliases = smallfiles.parse_revaliases(naming.REVALIASES, self._house.text(naming.REVALIASES))
        except SettingsWrong as wrong:  # what is in force was checked, unless somebody changed it in `var/`
            self._account, self._remarks = str(wrong), []
            return
        self._account = account_of(ssmtp, aliases)
        self._recipients = recipients_of(agent.mail_to, ssmtp)
        self._remarks = remarks_of(self._account, ssmtp) if isinstance(self._account, Account) else []

    @property
    def reaches_anybody(self) -> bool:
        """Whether a notice could be sent at all."""
        return self.mails or self._texts

    @property
    def is_busy(self) -> bool:
        """Whether an error report is still on its way: what is new meanwhile goes into the next one."""
        return any(notice.kind == ERRORS for notice in self.notices)

    @property
    def mails(self) -> bool:
        """Whether a letter could be sent."""
        on = self._agent is not None and self._agent.mail
        return on and bool(self._recipients) and isinstance(self._account, Account)

    @property
    def _texts(self) -> bool:
        agent = self._agent
        return agent is not None and agent.mail and agent.sms and bool(agent.mob_num) and self.spool is not None

    # --- notices

    def add(self, notice: Notice) -> None:
        """Keep a notice and send it. Raises `OSError`: then it is not there."""
        self._book.put(notice)
        self.notices.append(notice)

    def tick(self, now_s: float) -> None:
        """Hand over, hear what became of it, try again what is due."""
        while self._mailer is not None and (outcome := self._mailer.outcome()) is not None:
            self._hear(outcome, now_s)
        if now_s >= self._hold_s:
            self._write(now_s)
        self._hand_over_texts(now_s)
        self._strike_finished(now_s)
        if self._sending is None and now_s >= self._due_s and now_s >= self._hold_s and self.mails:
            self._send_next()

    def stop(self) -> None:
        """A letter on its way is sent again after the next start."""
        if self._mailer is not None:
            self._mailer.stop()
            self._mailer.join(STOP_TIMEOUT_S)
            self._mailer = self._sending = None

    def tell_crash(self, thread: str, now_s: float) -> None:
        """The mail thread ended unexpectedly: another one sends the letter after a growing pause."""
        if self._mailer is not None and thread == self._mailer.name:
            self._restarts.crashed(now_s)
            self._mailer = self._sending = None
            self._due_s = self._restarts.due_at_s or now_s

    def lines(self) -> list[str]:
        """Their state, for `status.txt`."""
        agent = self._agent
        if agent is None or not agent.mail:
            return []
        found = [self._mail_line(), f"SMS: {self._sms_state(agent)}"]
        if self.notices:
            found.append(f"ждут отправки: {len(self.notices)}")
        return found

    def warnings(self) -> list[str]:
        """What keeps notices from being sent."""
        agent = self._agent
        if agent is None or not agent.mail:
            return []
        told = [self._account] if isinstance(self._account, str) else []
        if not self._recipients and not self._texts:
            told.append("почта: [alerts] MailTo не задан, отчеты об ошибках не уходят")
        return [*told, *self._remarks]

    # --- mail

    def _left(self, notice: Notice) -> tuple[str, ...]:
        return tuple(each for each in self._recipients if each not in (*notice.done, *notice.refused))

    def _send_next(self) -> None:
        waiting = [each for each in self.notices if self._left(each)]
        if not waiting or not isinstance(self._account, Account) or self._agent is None:
            return
        notice = min(waiting, key=lambda each: each.attempts)  # one that no server takes does not stop the others
        # They are large, and most boards never send mail.
        from engine.mail.letter import Letter
        from engine.mail.mailer import Mailer

        if self._mailer is None:
            self._mailer = Mailer(self._house.root / CA_PATH, self._house.wake, self._house.crashed)
            self._mailer.start()
        self._sending = notice.number
        letter = Letter(
            notice.number, notice.message_id, notice.subject, notice.body, self._left(notice), self._agent.name,
            self._house.now(), self._house.root, notice.files,
        )  # fmt: skip
        self._mailer.post(self._account, letter)

    def _hear(self, outcome: Outcome, now_s: float) -> None:
        self._sending = None
        notice = next((each for each in self.notices if each.number == outcome.number), None)
        if notice is None:
            return
        if outcome.accepted:
            self._last = moment_text(self._house.now())
        reasons = {**outcome.refused, **outcome.delayed}
        self._note_error(outcome.error or "; ".join(f"{address}: {text}" for address, text in reasons.items()))
        done = (*notice.done, *outcome.accepted)
        refused = (*notice.refused, *outcome.refused) if done else notice.refused
        failed = not outcome.accepted or bool(outcome.delayed)
        attempts = notice.attempts + failed
        self._replace(replace(notice, done=done, refused=refused, attempts=attempts))
        self._due_s = now_s + growing_pause(attempts, FIRST_PAUSE_S, LONGEST_PAUSE_S) if failed else now_s

    def _note_error(self, error: str) -> None:
        """A failure that only repeats is not told again."""
        if error and error != self._error:
            self._house.journal(f"почта: {error}")
        if self._error and not error:
            self._house.journal("почта: снова уходит")
        self._error = error

    # --- SMS

    def _hand_over_texts(self, now_s: float) -> None:
        agent, spool = self._agent, self.spool
        if agent is None or spool is None or not self._texts or now_s < self._hold_s:
            return
        for notice in [each for each in self.notices if each.sms]:
            try:
                spool.put(sms_key(notice), agent.mob_num, notice.sms)
            except OSError as error:
                self._note_sms(f"не передано: {why(error)}")
                self._hold_s = now_s + DISK_PAUSE_S
                return
            self._note_sms("")
            self._last_sms = sms_key(notice)
            self._replace(replace(notice, sms=""))

    def _note_sms(self, error: str) -> None:
        if error and error != self._sms_error:
            self._house.journal(f"SMS: {error}")
        self._sms_error = error

    def _sms_state(self, agent: AgentSettings) -> str:
        if not agent.sms:
            return "выключены"
        if self.spool is None:
            return "нет модема"
        if not agent.mob_num:
            return "MobNum не задан"
        return self._sms_error or _SMS_STATES.get(self._spool_state(), "ещё не отправлялись")

    def _spool_state(self) -> str:
        try:
            return self.spool.state(self._last_sms) if self.spool and self._last_sms else "absent"
        except OSError:
            return "absent"

    def _mail_line(self) -> str:
        account = self._account
        if isinstance(account, str) or not self._recipients:
            return "почта: не настроена"
        state = f"не уходит: {self._error}" if self._error else "работает"
        last = f"; последнее письмо отправлено {self._last}" if self._last else ""
        restarts = f"; перезапусков {self._restarts.count}" if self._restarts.count else ""
        to = ", ".join(self._recipients)
        return f"почта: {account.host}:{account.port} {account.security} → {to}; {state}{last}{restarts}"

    # --- the disk

    def _replace(self, notice: Notice) -> None:
        self.notices = [notice if each.number == notice.number else each for each in self.notices]
        self._unwritten[notice.number] = notice

    def _strike_finished(self, now_s: float) -> None:
        for notice in [each for each in self.notices if self._is_finished(each)]:
            if now_s < self._hold_s:
                return
            try:
                self._book.strike(notice)
            except OSError:
                self._hold_s = now_s + DISK_PAUSE_S
                return
            if not notice.done and not self._was_texted(notice):
                self._house.journal(f"оповещение №{notice.number} никому не доставлено и снято: {notice.subject}")
            self.notices.remove(notice)
            self._unwritten.pop(notice.number, None)

    def _was_texted(self, notice: Notice) -> bool:
        return self._last_sms == sms_key(notice)

    def _is_finished(self, notice: Notice) -> bool:
        """Nobody is left who could get it, or it was tried long enough."""
        if notice.number == self._sending or self._agent is None:
            return False
        if notice.attempts >= ATTEMPTS_MOST or not self._agent.mail:
            return True
        return not self._left(notice) and not (notice.sms and self._texts)

    def _write(self, now_s: float) -> None:
        for number, notice in list(self._unwritten.items()):
            if not self._is_finished(notice):
                try:
                    self._book.put(notice)
                except OSError:
                    self._hold_s = now_s + DISK_PAUSE_S
                    return
            del self._unwritten[number]


def sms_key(notice: Notice) -> str:
    """The same for every repeat of one notice: `8-1f2e3d4c`."""
    return notice.message_id.strip("<>").partition("@")[0].replace(".", "-")


_SMS_STATES = {"waiting": "последнее ждёт модема", "sent": "последнее отправлено", "failed": "последнее не отправлено"}
