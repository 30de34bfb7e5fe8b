"""Settings of agents before and after a roll-out."""

from __future__ import annotations

from engine.settings import InternalFtp

INTERNAL = InternalFtp(
    enabled=True, bind="127.0.0.1", port=0, passive_ports=None, user="main", password="secret-1", read_user="",
    read_password="", inbox_user="", inbox_password="", tls=0, inbox_limit_bytes=100_000,
)  # fmt: skip
OLD_AGENT = "[agent]\nNumber=1\nName=Старое\n"
OLD_FTP = "[internal]\nPassword=secret-1\n[server1]\nPassword=open-sesame\n"
TEMPLATES = {
    "log/User/agent.ini": "[agent]\nNumber=$number\nName=Котельная $number, 5 $$\n",
    "log/User/ftp.ini": "[internal]\nPassword=secret-1\n[server1]\nEnabled=1\nHost=drops.example.ru\n"
    "User=agent-$number\nPassword=new-sesame-$number\nTls=2\n",
    "log/User/devices/kotel.ini": "[device]\nDevType=ТЕМ-104\nPort=ttyS1\nNetAddr=$net\n",
}  # fmt: skip
