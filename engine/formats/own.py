"""The agent's snapshot of itself, `log/User/txt/0.txt` («ТСМ-смарт №0», #28; manual 5.1 and 6.1)."""

from __future__ import annotations

from collections.abc import Mapping

from engine.formats.values import clean
from engine.settings import Settings

DEV_TYPE = "ТСМ-И"
NO_MODEM = "Модем не в сети"


def own_facts(settings: Settings, *, polling: bool, online: bool) -> dict[str, str]:
    """What the settings tell of the agent, by key, in the order of the manual's card. Unknown is empty."""
    agent = settings.agent
    hosts = {server.section.removeprefix("server"): server.host for server in settings.ftp.servers if server.enabled}
    return {
        "DevName": agent.name,
        "DevType": DEV_TYPE,
        "DevNumber": "0",
        "Number": str(agent.number),
        "Online": "1" if online else "0",
        "AutoPoll": "1" if polling else "0",
        "ReportState": "Активирован",
        "ReportDay": str(agent.report_day),
        "ErrorsToMail": "1" if agent.mail else "0",
        "ReportInterval": str(agent.alert_interval_s),
        "SyncPort": agent.sync_port.removeprefix("/dev/") or "0",
        "Timezone": agent.timezone,
        "ModemState": "" if agent.modem_port else NO_MODEM,
        **{f"IP{number}": hosts.get(str(number), "") for number in (1, 2, 3)},
    }


def own_text(facts: Mapping[str, str], moment: Mapping[str, object], error: str) -> str:
    """The whole file; `moment` holds Date and Time, `error` is what a person should mend."""
    told = {**facts, **{key: value or "" for key, value in moment.items()}, "ErrText": error}
    return "[0]\n" + "".join(f"{key}={clean(str(value))}\n" for key, value in told.items())
