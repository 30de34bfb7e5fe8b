"""Settings: the text of the user's files -> frozen values, or every problem with its path and line.

Formats guide, sections 1, 3 and 4. A file with an error is refused as a whole; a warning is accepted and told.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from engine import naming
from engine.dialect import textfile
from engine.errors import Problem, SettingsWrong
from engine.settings import device_checks, ftp_checks, keyed, keys, smallfiles
from engine.settings.far_folder import bare_directory
from engine.settings.keyed import Keyed
from engine.settings.lora import NO_MODULE, LoraSettings
from engine.settings.regulator import NO_REGULATOR, RegulatorSettings
from engine.template import parse_template
from engine.template.modbus_map import Template
from engine.vpn.profile import read_profile

LIMIT_BYTES = textfile.LIMIT_BYTES
_TOLD_MOST = 200


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """`agent.ini`; the meaning of each field stands in `engine.settings.keys`."""

    number: int
    name: str
    timezone: str
    auto_poll: bool
    poll_interval_s: int
    archive_limit_bytes: int
    time_set: str
    sync_port: str
    sync_baud: int
    dos_encoding: str
    event_date: str
    mail: bool
    sms: bool
    alert_interval_s: int
    alert_silence_s: int
    alert_forecast: bool
    mail_to: tuple[str, ...]
    mob_num: tuple[str, ...]
    report_day: int
    report_days: int
    modem_port: str
    modem_baud: int
    modem_spool: str
    usb_export: bool
    tcp_ports: bool
    tcp_bind: str
    tcp_allow: tuple[str, ...]
    tcp_map: tuple[tuple[str, int], ...]
    web_port: int
    lcd_server: str
    lcd_encoding: str
    metrics_file: str


@dataclass(frozen=True, slots=True)
class InternalFtp:
    """`[internal]` of `ftp.ini`. An empty user name is no such user; `passive_ports` is first and last, both in."""

    enabled: bool
    bind: str
    port: int
    passive_ports: tuple[int, int] | None
    user: str
    password: str
    read_user: str
    read_password: str
    inbox_user: str
    inbox_password: str
    tls: int
    inbox_limit_bytes: int


@dataclass(frozen=True, slots=True)
class Server:
    """`[server1]`, `[server2]`, `[server3]` of `ftp.ini`."""

    section: str
    enabled: bool
    host: str
    port: int
    user: str
    password: str
    directory: str
    interval_s: int
    variants: tuple[str, ...]
    passive: bool
    tls: int
    encoding: str
    timeout_s: float

    @property
    def identity(self) -> tuple[str, int, str, str]:
        """What makes it another server, with a count and a cursor of its own (formats guide, section 7)."""
        return self.host.lower(), self.port, self.user, bare_directory(self.directory)


@dataclass(frozen=True, slots=True)
class FtpSettings:
    internal: InternalFtp
    servers: tuple[Server, ...]


@dataclass(frozen=True, slots=True)
class Limits:
    """`[limits]` of a device file: `t_min` holds (system, channel, °C), both counted from 1, in rising order.

    `sw1` and `sw2` are the normal states `O` or `K`, empty where no watch is kept.
    """

    t_min: tuple[tuple[int, int, float], ...] = ()
    sw1: str = ""
    sw2: str = ""
    sw1_source: str = ""
    sw2_source: str = ""


@dataclass(frozen=True, slots=True)
class DeviceSettings:
    """One file of `devices/`: `file` is its bare name, `port` a full path or empty, `dev_number` empty = its own.

    `template_map` is what `template` names, once all files are put together; None: there is none to be used.
    `block_size_fixed`: the user wrote it; else an archive is read in larger blocks where the device takes them.
    """

    file: str
    dev_type: str
    dev_number: str
    connection: str
    port: str
    baud: int
    net_addr: int
    net_ip: str
    net_port: int
    byte_timeout_s: float
    packet_timeout_s: float
    retries: int
    reconnects: int
    hour_records: int
    day_records: int
    report_day: int | None
    report_records: int | None
    responsible: str
    address: str
    enabled: bool
    energy_unit: str
    protocol: str
    block_size: int
    template: str
    limits: Limits
    report_fields: tuple[str, ...]
    template_map: Template | None = None
    lora: LoraSettings = NO_MODULE
    regulator: RegulatorSettings = NO_REGULATOR
    block_size_fixed: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that is in force; devices in the order of their file names."""

    agent: AgentSettings
    ftp: FtpSettings
    devices: tuple[DeviceSettings, ...]


Parsed = AgentSettings | FtpSettings | DeviceSettings | Template | str
"""What a configuration file becomes; a file whose use is elsewhere stays the text that it is."""


def parse_agent(path: str, text: str) -> tuple[AgentSettings, tuple[Problem, ...]]:
    """`agent.ini` and its warnings. `SettingsWrong` with all problems."""
    taken = keyed.read(keys.AGENT, path, text)
    fields = {name: value for values in taken.values.values() for name, value in values.items()}
    if fields["alert_interval_s"] < keys.ALERT_INTERVAL_LEAST_S:
        fields["alert_interval_s"] = keys.ALERT_INTERVAL_LEAST_S
        taken.tell("alerts", "Interval", f"Interval меньше {keys.ALERT_INTERVAL_LEAST_S}: действует "
                   f"{keys.ALERT_INTERVAL_LEAST_S}", warning=True)  # fmt: skip
    return AgentSettings(**fields), _warnings(taken)


def parse_ftp(path: str, text: str) -> tuple[FtpSettings, tuple[Problem, ...]]:
    """`ftp.ini` and its warnings. `SettingsWrong` with all problems."""
    taken = keyed.read(keys.FTP, path, text)
    ftp = FtpSettings(
        InternalFtp(**taken.values["internal"]),
        tuple(Server(section=section, **taken.values[section]) for section in keys.SERVERS),
    )
    ftp_checks.check_users(taken, ftp.internal)
    ftp_checks.check_servers(taken, ftp.servers)
    return ftp, _warnings(taken)


def parse_device(path: str, text: str) -> tuple[DeviceSettings, tuple[Problem, ...]]:
    """A device file and its warnings; its bare name is the end of `path`. `SettingsWrong` with all problems."""
    taken = keyed.read(keys.DEVICE, path, text)
    device = DeviceSettings(
        file=path.rpartition("/")[2],
        limits=Limits(_t_min(taken), **taken.values["limits"]),
        report_fields=taken.values["report"]["fields"],
        lora=LoraSettings(**taken.values["lora"]),
        regulator=RegulatorSettings(**taken.values["regulator"]),
        block_size_fixed=("device", "BlockSize") in taken.lines,
        **taken.values["device"],
    )
    device = replace(device, baud=device_checks.baud_of(taken, device))
    device_checks.check_device(taken, device)
    return device, _warnings(taken)


def read_file(path: str, content: bytes) -> tuple[Parsed, tuple[Problem, ...]]:
    """A configuration file by its path relative to the root, and its warnings. `SettingsWrong` with all problems."""
    if len(content) > LIMIT_BYTES:
        raise SettingsWrong((Problem(path, 0, f"файл больше {LIMIT_BYTES // 1024} кБ"),))
    if not content:
        raise SettingsWrong((Problem(path, 0, "файл пуст"),))
    try:
        return _reader(path)(path, textfile.decode(content))
    except SettingsWrong as wrong:
        raise SettingsWrong(_limited(path, wrong.problems)) from None


def check_file(path: str, content: bytes) -> tuple[Problem, ...]:
    """Every problem of a file with this path and content; none for a file that is no configuration file."""
    if not naming.is_config(path):
        return ()
    try:
        return read_file(path, content)[1]
    except SettingsWrong as wrong:
        return wrong.problems


def _reader(path: str) -> Callable[[str, str], tuple[Parsed, tuple[Problem, ...]]]:
    folder, _, _ = path.casefold().rpartition("/")
    if folder == naming.DEVICES.casefold():
        return parse_device
    if folder in (naming.TEMPLATES.casefold(), naming.SHIPPED_TEMPLATES):
        return parse_template
    return _READERS.get(path.casefold(), _form_only)


def _parse_vpn(path: str, text: str) -> tuple[str, tuple[Problem, ...]]:
    """What it names may still be on its way: whether all files are there is seen when it is started."""
    read_profile(path, text.encode())
    return text, ()


def _form_only(path: str, text: str) -> tuple[str, tuple[Problem, ...]]:
    """Checked by the one who knows its form, handed on as text."""
    _FORMS.get(path.casefold(), smallfiles.check_form)(path, text)
    return text, ()


def _warnings(taken: Keyed) -> tuple[Problem, ...]:
    problems = tuple(sorted(taken.problems))
    if any(not problem.warning for problem in problems):
        raise SettingsWrong(problems)
    return problems


def _limited(path: str, problems: tuple[Problem, ...]) -> tuple[Problem, ...]:
    left = len(problems) - _TOLD_MOST
    if left <= 0:
        return problems
    return (*problems[:_TOLD_MOST], Problem(path, problems[_TOLD_MOST].line, f"и ещё {left} ошибок отсюда и ниже"))


def _t_min(taken: Keyed) -> tuple[tuple[int, int, float], ...]:
    found = ((caught, value) for (field, caught), value in taken.several.items() if field == "t_min")
    return tuple(sorted((int(system), int(channel), value) for (system, channel), value in found))


_READERS: dict[str, Callable[[str, str], tuple[Parsed, tuple[Problem, ...]]]] = {
    naming.AGENT_INI.casefold(): parse_agent,
    naming.FTP_INI.casefold(): parse_ftp,
    **{path.casefold(): _parse_vpn for path in naming.VPN_PROFILES},
}
_FORMS: dict[str, Callable[[str, str], object]] = {
    naming.SSMTP_CONF.casefold(): smallfiles.parse_ssmtp,
    naming.REVALIASES.casefold(): smallfiles.parse_revaliases,
    naming.LCD_INFO.casefold(): smallfiles.parse_lcd,
}
