"""SMS by smsd: whether there is a modem, and where its spool is; the postman puts the texts there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime

from engine import files, naming
from engine.reasons import why
from engine.runtime.part import House, Part
from engine.runtime.postman import Postman
from engine.settings import AgentSettings, Settings
from engine.sms import Spool
from engine.sms.smsd_conf import FOLDERS

CLEAN_PERIOD_S = 24 * 3600


class Sms(Part):
    """Gives the postman a spool while a modem is named. What ended long ago in it is cleared away."""

    def __init__(self, house: House, postman: Postman) -> None:
        super().__init__(house)
        self._postman = postman
        self._spool: Spool | None = None
        self._agent: AgentSettings | None = None
        self._problem = ""

    def apply(self, settings: Settings, now_s: float) -> None:
        """Use this modem and this spool from now on."""
        agent = self._agent = settings.agent
        self._spool = Spool(self.house.root / agent.modem_spool) if agent.modem_port else None
        self._postman.spool = self._spool
        self._make_own()
        self._clean()

    def jobs(self) -> Mapping[Callable[[], None], int]:
        """Once a day."""
        return {self._clean: CLEAN_PERIOD_S}

    def warnings(self) -> Sequence[str]:
        """That texts are wanted and nobody can take them."""
        agent = self._agent
        if agent is None or not (agent.mail and agent.sms) or not self._problem:
            return ()
        return [f"SMS не отправить: {agent.modem_spool}: {self._problem}; нужна служба smstools"]

    def _make_own(self) -> None:
        """smstools makes its own spool; one inside the root is made here. What is wrong with it `_clean` tells."""
        agent = self._agent
        if self._spool is None or agent is None or not agent.modem_spool.startswith(f"{naming.VAR}/"):
            return
        with suppress(OSError):
            for name in FOLDERS:
                files.make_folder(self.house.root / agent.modem_spool / name)

    def _clean(self) -> None:
        self._problem = ""
        if self._spool is None or self._agent is None:
            return
        try:
            self._spool.clean(datetime.now().timestamp())
        except OSError as error:
            self._problem = why(error)
