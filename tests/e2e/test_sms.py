"""From a meter that falls silent to a telephone: the real agent, the real smsd, an emulated modem."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from engine.sms.smsd_conf import smsd_conf
from tests.e2e.meters import meter, on_tcp
from tests.fake.agent_process import AgentProcess, configure, eventually, put, section_text, tcp_device
from tests.fake.gsm_modem import GsmModem
from tests.fake.smsd import Smsd

NUMBERS = ("+79161234567", "89161234568")


def agent_ini(modem: GsmModem) -> str:
    return (
        section_text("agent", {"PollInterval": 1})
        + section_text("alerts", {"Mail": 1, "Sms": 1, "MobNum": ", ".join(NUMBERS)})
        + section_text("modem", {"Port": modem.path, "Spool": "var/sms"})
    )


def test_a_meter_that_is_lost_is_told_to_every_telephone(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    if not pytestconfig.option.long:
        pytest.skip("it takes half a minute: --long")
    root, daemon = tmp_path / "root", tmp_path / "daemon"
    daemon.mkdir()
    with GsmModem() as modem, ExitStack() as meters:
        line = meters.enter_context(on_tcp(meter(serial=1001)))
        configure(root, devices={"a.ini": tcp_device(line.port, Reconnects=1, Retries=0)})
        put(root, "agent.ini", agent_ini(modem))
        with AgentProcess(root) as agent:
            eventually(lambda: agent.shown("1001").get("Online") == "1", "a reading", agent)
            meters.close()
            with Smsd(daemon, smsd_conf(modem.path, 115200, str(root / "var/sms"))):
                eventually(lambda: len(modem.messages) == 2, "two telephones", agent)
                eventually(lambda: "последнее отправлено" in agent.status(), "the state is told", agent)
        assert {each.number for each in modem.messages} == set(NUMBERS)
        assert len({each.text for each in modem.messages}) == 1
        assert "№1001" in modem.messages[0].text
        assert "не на связи" in modem.messages[0].text
