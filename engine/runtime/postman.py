"""Notices on their way to people: by mail through one thread, by SMS through a spool. Used by the main thread."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from engine import naming
from engine.alert.book import Book
from engine.alert.notice import ERRORS, Notice, Spool
from engine.alert.pauses import Pauses
from engine.due import Restarts
from engine.errors import SettingsWrong
from engine.formats.status import moment_text
from engine.mail.account import Account, account_of, recipients_of, remarks_of, unsendable_of
from engine.reasons import why
from engine.runtime.part import House
from engine.settings import AgentSettings, smallfiles

if TYPE_CHECKING:
    from engine.mail.mailer import Mailer, Outcome

ATTEMPTS_MOST = 200
"""After more than a week nobody waits for it any more."""
WAITING_MOST = 20
"""So many error reports wait for mail; then the oldest, which somebody has, are given up."""
DISK_PAUSE_S = 10.0
STOP_TIMEOUT_S = 5.0


class Postman:
    """Every notice that somebody has not got yet. `spool`: None without SMS. `renewed` sees each before it goes."""

    def __init__(self, house: House, book: Book) -> None:
        self.notices: list[Notice] = []
        self.spool: Spool | None = None
        self.renewed: Callable[[Notice], Notice] = lambda notice: notice
        self._house = house
        self._book = book
        self._agent: AgentSettings | None = None
        self._account: Account | str = ""
        self._recipients: tuple[str, ...] = ()
        self._remarks: list[str] = []
        self._mailer: Mailer | None = None
        self._sending: int | None = None
        self._pauses = Pauses()
        self._hold_s = self._spool_hold_s = -math.inf
        self._unwritten: dict[int, Notice] = {}
        self._error = self._sms_error = self._last = self._last_sms = ""
        self._restarts = Restarts()

    # --- settings

    def apply(self, agent: AgentSettings, now_s: float) -> None:
        """Send as these settings say; what failed is tried again at once."""
        self._agent = agent
        self._pauses.until(now_s)
        try:
            ssmtp = smallfiles.parse_ssmtp(naming.SSMTP_CONF, self._house.text(naming.SSMTP_CONF))
            aliases = smallfiles.parse_revaliases(naming.REVALIASES, self._house.text(naming.REVALIASES))
        except SettingsWrong as wrong:  # what is in force was checked, unless somebody changed it in `var/`
            self._account, self._remarks = str(wrong), []
            return
        self._account = account_of(ssmtp, aliases)
        self._recipients = recipients_of(agent.mail_to, ssmtp)
        self._remarks = remarks_of(self._account, ssmtp) if isinstance(self._account, Account) else []
        self._remarks += unsendable_of(agent.mail_to)

    @property
    def reaches_anybody(self) -> bool:
        """Whether a notice could be sent at all."""
        return self.mails or self._texts

    @property
    def is_busy(self) -> bool:
        """Whether what is new waits for an error report that is on its way. Mail that fails keeps no SMS back."""
        return any(not self._waits_for_mail(each) for each in self._error_reports())

    @property
    def mails(self) -> bool:
        """Whether a letter could be sent."""
        on = self._agent is not None and self._agent.mail
        return on and bool(self._recipients) and isinstance(self._account, Account)

    @property
    def _texts(self) -> bool:
        agent = self._agent
        return agent is not None and agent.mail and agent.sms and bool(agent.mob_num) and self.spool is not None

    def _waits_for_mail(self, notice: Notice) -> bool:
        """Whether somebody has it, by mail or by SMS, and mail does not go now to the others."""
        texted = self._texts and not notice.sms and (notice.attempts > 0 or not self.mails)
        return texted or bool(notice.done and notice.attempts)

    def _error_reports(self) -> list[Notice]:
        return [notice for notice in self.notices if notice.kind == ERRORS]

    # --- notices

    def add(self, notice: Notice) -> None:
        """Keep a notice and send it. Raises `OSError`: then it is not there."""
        self._book.put(notice)
        self.notices.append(notice)

    def tick(self, now_s: float) -> None:
        """Hand over, hear what became of it, try again what is due."""
        self._hear_all(now_s)
        if now_s >= self._hold_s:
            self._write(now_s)
        self._hand_over_texts(now_s)
        self._strike_finished(now_s)
        if self._sending is None and now_s >= self._hold_s and self.mails:
            self._send_next(now_s)

    def stop(self) -> None:
        """A letter on its way is sent again after the next start; one that was taken is not."""
        if self._mailer is not None:
            self._mailer.stop()
            self._mailer.join(STOP_TIMEOUT_S)
            self._hear_all(math.inf)
            self._mailer = self._sending = None
            self._write(math.inf)
            self._strike_finished(math.inf)

    def tell_crash(self, thread: str, now_s: float) -> None:
        """The mail thread ended unexpectedly: another one sends the letter after a growing pause."""
        if self._mailer is not None and thread == self._mailer.name:
            self._restarts.crashed(now_s)
            self._count_crash()
            self._mailer = self._sending = None
            self._pauses.until(self._restarts.due_at_s or now_s)

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

    def _send_next(self, now_s: float) -> None:
        waiting = [each for each in self.notices if self._left(each) and self._pauses.allow(each.attempts, now_s)]
        if not waiting or not isinstance(self._account, Account) or self._agent is None:
            return
        notice = self.renewed(min(waiting, key=lambda each: each.attempts))  # one that no server takes is the last
        if notice not in waiting:
            self._replace(notice)
        # They are large, and most boards never send mail.
        from engine.mail.letter import Letter
        from engine.mail.mailer import Mailer

        if self._mailer is None:
            self._mailer = Mailer(self._house.root / naming.CA_PEM, self._house.wake, self._house.crashed)
            self._mailer.start()
        self._sending = notice.number
        letter = Letter(
            notice.number, notice.message_id, notice.subject, notice.body, self._left(notice), self._agent.name,
            self._house.now(), self._house.root, notice.files,
        )  # fmt: skip
        self._mailer.post(self._account, letter)

    def _hear_all(self, now_s: float) -> None:
        while self._mailer is not None and (outcome := self._mailer.outcome()) is not None:
            self._hear(outcome, now_s)

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
        self._pauses.heard(attempts if failed else 0, now_s)

    def _count_crash(self) -> None:
        """A letter that ends the thread is behind the others from now on, and not tried for ever."""
        for notice in [each for each in self.notices if each.number == self._sending]:
            self._replace(replace(notice, attempts=notice.attempts + 1))

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
        if agent is None or spool is None or not self._texts or now_s < self._spool_hold_s:
            return
        for notice in [each for each in self.notices if each.sms]:
            try:
                spool.put(notice.sms_key, agent.mob_num, notice.sms)
            except OSError as error:
                self._note_sms(f"не передано: {why(error)}")
                self._spool_hold_s = now_s + DISK_PAUSE_S
                return
            self._note_sms("")
            self._last_sms = notice.sms_key
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
            if not notice.done and (notice.sms or notice.kind != ERRORS):
                self._house.journal(f"оповещение №{notice.number} никому не доставлено и снято: {notice.subject}")
            self.notices.remove(notice)
            self._unwritten.pop(notice.number, None)

    def _is_finished(self, notice: Notice) -> bool:
        """Nobody is left who could get it, or it was tried long enough."""
        if notice.number == self._sending or self._agent is None:
            return False
        if notice.attempts >= ATTEMPTS_MOST or not self._agent.mail or notice in self._error_reports()[:-WAITING_MOST]:
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


_SMS_STATES = {"waiting": "последнее ждёт модема", "sent": "последнее отправлено", "failed": "последнее не отправлено"}
