"""Settings as an agent gets them, with what a test wants changed."""

from __future__ import annotations

from dataclasses import replace

from engine.settings import AgentSettings, DeviceSettings, FtpSettings, Server, Settings, read_file
from tests.fake.toy_driver import device_settings


def settings_of(
    *devices: DeviceSettings, agent: dict[str, object] | None = None, servers: tuple[Server, ...] = (), **ftp: object
) -> Settings:
    """The factory's, the embedded FTP server off. `agent` and `ftp` ([internal]) are changed fields."""
    whole = read_file("log/User/agent.ini", b"\n")[0]
    internet = read_file("log/User/ftp.ini", b"\n")[0]
    assert isinstance(whole, AgentSettings) and isinstance(internet, FtpSettings)
    internal = replace(internet.internal, **{"enabled": False, **ftp})  # type: ignore[arg-type]
    return Settings(replace(whole, **(agent or {})), FtpSettings(internal, servers), devices)  # type: ignore[arg-type]


def server(section: str = "server1", **changed: object) -> Server:
    """An enabled external server on loopback."""
    internet = read_file("log/User/ftp.ini", b"\n")[0]
    assert isinstance(internet, FtpSettings)
    whole = replace(internet.servers[0], section=section, enabled=True, host="127.0.0.1", user="u", password="p")
    return replace(whole, **changed)  # type: ignore[arg-type]


def serial_device(file: str, port: str = "/dev/ttyS0", **changed: object) -> DeviceSettings:
    return device_settings(file=file, port=port, **changed)


def tcp_device(file: str, ip: str = "192.0.2.1", port: int = 10001, **changed: object) -> DeviceSettings:
    return device_settings(file=file, connection="TCP", net_ip=ip, net_port=port, port="", **changed)
