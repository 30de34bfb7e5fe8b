"""`agent.py smsd-conf`: what smstools' `smsd.conf` has to be for the modem of `agent.ini`. For whoever installs."""

from __future__ import annotations

from pathlib import Path

from engine import files, naming
from engine.config import GOOD
from engine.errors import SettingsWrong
from engine.settings import LIMIT_BYTES, AgentSettings, read_file
from engine.sms.smsd_conf import smsd_conf


def smsd_text(root: Path) -> str:
    """The whole file; empty where no modem is named. Raises OSError.

    By what is in force: a file that is refused counts as little as one that is not there.
    """
    agent = _in_force(root)
    if agent is None or not agent.modem_port:
        return ""
    return smsd_conf(agent.modem_port, agent.modem_baud, str(root / agent.modem_spool))


def _in_force(root: Path) -> AgentSettings | None:
    for path in (root / naming.AGENT_INI, root / GOOD / naming.AGENT_INI):
        try:
            parsed, _ = read_file(naming.AGENT_INI, files.read_limited(path, LIMIT_BYTES))
        except (FileNotFoundError, SettingsWrong):
            continue
        return parsed if isinstance(parsed, AgentSettings) else None
    return None
