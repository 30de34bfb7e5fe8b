"""A meter whose errors change, a mail server, power cuts between: one event each, in the drops too, one letter."""

from __future__ import annotations

import signal
from datetime import datetime
from pathlib import Path

from drivers.emulated import tem_104
from drivers.emulated.tem_104_options import LegacyOptions
from engine.formats.archive import read_event
from tests.e2e.drops import keys_in, keys_of, received
from tests.e2e.meters import on_tcp
from tests.fake.agent_process import (
    AgentProcess,
    closed_port,
    configure,
    eventually,
    put,
    section_text,
    server_text,
    stored,
    tcp_device,
)
from tests.fake.certificates import authority, server_identity
from tests.fake.debian_servers import vsftpd
from tests.fake.mail_servers import PASSWORD, USER, Letters, mail_server, silent_server

NOW = datetime(2026, 9, 25, 14, 30, 7)
TOO_MUCH_FLOW = 0x0C
WAITING = "var/alerts/waiting"


class Erring(tem_104.Meter):
    """A ТЭМ-104 whose errors are what the test says: a byte per system, its bits as in D106."""

    def __init__(self) -> None:
        super().__init__(LegacyOptions("tem104", records=(0, 0, 0)), now=NOW)
        self.told = [0] * 6
        self._body.errors = lambda: self.told  # type: ignore[method-assign]


def _events(agent: AgentProcess, number: str) -> list[str]:
    events = [read_event(block, "ymd").values for block in stored(agent.root, number) if "RecType=E" in block.text]
    return [f"{each['Sys']} {each['Code']} {each['State']} {each['Source']}" for each in events]


def _configure(root: Path, device: str, ftp: str, mail_port: int) -> None:
    configure(root, ftp=f"[internal]\nEnabled=0\n{ftp}", devices={"a.ini": device})
    agent = section_text("agent", {"Timezone": "UTC", "PollInterval": 1})
    put(root, "agent.ini", agent + section_text("alerts", {"Mail": 1, "MailTo": "engineer@example.ru"}))
    mailhub = f"127.0.0.1:{mail_port}"
    put(
        root,
        "ssmtp.conf",
        f"mailhub={mailhub}\nAuthUser={USER}\nAuthPass={PASSWORD}\nUseTLS=YES\nrewriteDomain=tsm.ru\nFromLineOverride=YES\n",
    )


def test_an_error_is_kept_and_told_once_whatever_happens_between(tmp_path: Path) -> None:
    issuer = authority(tmp_path / "ids")
    identity = server_identity(tmp_path / "ids", issuer)
    root, mail_port, letters, meter = tmp_path / "root", closed_port(), Letters(), Erring()
    number = str(meter.options.serial_number)
    with on_tcp(meter) as line, vsftpd(tmp_path) as far:
        ftp = server_text("server1", far.port, far.user, far.password)
        _configure(root, tcp_device(line.port), ftp, mail_port)
        put(root, "ca.pem", issuer.pem.decode())
        agent = AgentProcess(root)
        with silent_server(port=mail_port):
            agent.start()
            eventually(lambda: agent.shown(number).get("S1Err") == "0", "the first reading", agent)
            with line.lock:
                meter.told[0] = TOO_MUCH_FLOW
            eventually(lambda: list((root / WAITING).glob("*.json")), "a notice", agent)
            agent.stop(signal.SIGKILL)
        assert _events(agent, number) == ["1 2 1 agent"]

        with mail_server(letters, identity, implicit=True, login=True, port=mail_port):
            with AgentProcess(root) as agent:
                eventually(lambda: letters.envelopes, "the letter", agent)
                eventually(lambda: not list((root / WAITING).iterdir()), "the notice is struck out", agent)
                agent.stop(signal.SIGKILL)
                agent.start()
                eventually(lambda: agent.status().count("показания") == 1, "a reading after the kill", agent)
                with line.lock:
                    meter.told[0] = 0
                ended = f"№{number}: система 1: ошибок нет"
                eventually(lambda: ended in agent.journal(), "the error has ended", agent)
                wanted = keys_of(number, stored(root, number, growing=True))
                eventually(lambda: keys_in(received(far.folder, "linux")) == wanted, "delivered", agent)
                status = agent.status()
            assert len(letters.envelopes) == 1
        assert _events(agent, number) == ["1 2 1 agent", "1 2 0 agent"]

    (message,) = letters.messages
    assert message["To"] == "engineer@example.ru" and message["From"] == "ТСМ-СМАРТ <robot@tsm.ru>"
    body = message.get_body()
    assert body is not None
    text = body.get_content()
    assert f"№{number}: система 1: ошибка 2, расход больше Gmax" in text
    assert agent.journal().count("ошибка 2") == 1
    assert "[Оповещения]" in status and "накоплено изменений для отчета: 1" in status
    secrets = (agent.told(), status, agent.journal(), text)
    assert not any(PASSWORD in each for each in secrets)
