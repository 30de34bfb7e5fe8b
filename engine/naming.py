"""Every path and every name that the agent gives (formats guide, sections 2, 6, 7 and 8).

Paths are relative to the root, with `/`. Only `FACTORY` and `SHIPPED_TEMPLATES` lie beside `agent.py`,
whatever the root is.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import NamedTuple

from engine.model import RecType

LOG = "log"
USER = "log/User"
AGENT_INI = "log/User/agent.ini"
FTP_INI = "log/User/ftp.ini"
SSMTP_CONF = "log/User/ssmtp.conf"
REVALIASES = "log/User/revaliases"
CA_PEM = "log/User/ca.pem"
DEVICES = "log/User/devices"
TEMPLATES = "log/User/templates"
COMMANDS = "log/User/cmd"
SNAPSHOTS = "log/User/txt"
STATUS = "log/User/status.txt"
JOURNAL = "log/User/journal.txt"
LCD_INFO = "log/lcd.info"
LCD_INFO_OLD = "log/lcd.info.old"
USB_RULES = "log/USB.rules"
INBOX = "log/Ftp"
VPN = "log/VPN"
VPN_PROFILES = ("log/VPN/client.ovpn", "log/VPN/client1.ovpn")
ARCHIVES = "www"
INDEX = "www/index.html"
VAR = "var"
FACTORY = "etc/factory"
SHIPPED_TEMPLATES = "etc/templates"

FOLDERS = (USER, DEVICES, TEMPLATES, COMMANDS, SNAPSHOTS, INBOX, VPN, ARCHIVES, VAR)
"""Folders that stand whenever the agent runs."""

RESTORED = (AGENT_INI, FTP_INI, SSMTP_CONF, REVALIASES, LCD_INFO, LCD_INFO_OLD, USB_RULES)
"""Files that come back when they are deleted: last good copy, else the factory's (#59)."""

AGENT_NUMBER = "0"
"""The number under which the agent tells of itself: `txt/0.txt` («ТСМ-смарт №0»)."""

VARIANTS = ("linux", "dos")

_DEV_NUMBER = re.compile(r"[0-9A-Za-z]{1,20}")
_DROP = re.compile(r"(0|[1-9][0-9]*)_([0-9]{8}|[1-9][0-9]{8,})_(linux|dos)\.zip", re.IGNORECASE | re.ASCII)
_ARCHIVE = re.compile(r"(?:(H)-[0-9]{4}-(?:0[1-9]|1[0-2])|(D|E)-[0-9]{4}|(M))\.txt")
_CONFIG_FOLDERS = (DEVICES.casefold(), TEMPLATES.casefold())
_CONFIG_FILES = frozenset(
    path.casefold() for path in (AGENT_INI, FTP_INI, SSMTP_CONF, REVALIASES, LCD_INFO, *VPN_PROFILES)
)


class DropName(NamedTuple):
    """What the name of a drop says: the agent's number, the server's count, `linux` or `dos`."""

    number: int
    seq: int
    variant: str


def is_dev_number(text: str) -> bool:
    """Whether `text` can name files: Latin letters and digits, 1 to 20 of them."""
    return _DEV_NUMBER.fullmatch(text) is not None


def snapshot_path(dev_number: str) -> str:
    """`log/User/txt/440020.txt`. ValueError when the number cannot name files, here and below."""
    return f"{SNAPSHOTS}/{_checked(dev_number)}.txt"


def archive_folder(dev_number: str) -> str:
    """`www/440020`."""
    return f"{ARCHIVES}/{_checked(dev_number)}"


def archive_path(dev_number: str, rec_type: RecType, stamp: datetime) -> str:
    """The file that a record belongs to, by the record's own date."""
    return f"{archive_folder(dev_number)}/{_archive_name(rec_type, stamp)}"


def gaps_path(dev_number: str) -> str:
    """`www/440020/gaps.txt`."""
    return f"{archive_folder(dev_number)}/gaps.txt"


def archive_kind(file_name: str) -> RecType | None:
    """What an archive file holds, by its bare name; None for any other file."""
    found = _ARCHIVE.fullmatch(file_name)
    return RecType(file_name[0]) if found else None


def drop_name(number: int, seq: int, variant: str) -> str:
    """`1_00000007_linux.zip`."""
    if number < 0 or seq < 1 or variant not in VARIANTS:
        raise ValueError(f"no such drop: {number}, {seq}, {variant}")
    return f"{number}_{seq:08d}_{variant}.zip"


def parse_drop_name(name: str) -> DropName | None:
    """What a name says, None when it is no drop's. Servers may have changed the case of letters."""
    found = _DROP.fullmatch(name)
    if found is None or not int(found[2]):
        return None
    return DropName(int(found[1]), int(found[2]), found[3].lower())


def report_folder(made: date) -> str:
    """`www/Otchety280820` for the day on which the reports are made (#50)."""
    return f"{ARCHIVES}/Otchety{made:%d%m%y}"


def monthly_report_folder(month: date) -> str:
    """`www/Otchety0820m` for any day of the month."""
    return f"{ARCHIVES}/Otchety{month:%m%y}m"


def report_name(first: date, last: date, dev_number: str, system: int) -> str:
    """`from27072020to26082020_2405s1.pdf`: first and last day covered, device, system (#51)."""
    return f"from{_day(first)}to{_day(last)}_{_checked(dev_number)}s{system}.pdf"


def is_config(path: str) -> bool:
    """Whether a file of this name steers the agent. Case of letters does not matter (B6)."""
    folded = path.casefold()
    folder, _, name = folded.rpartition("/")
    if folder in _CONFIG_FOLDERS:
        return name.endswith(".ini") and not name.startswith(".")
    return folded in _CONFIG_FILES


def refused_path(path: str) -> str:
    """Where an upload with errors is kept: `log/User/agent.ini.refused`."""
    return f"{path}.refused"


def _archive_name(rec_type: RecType, stamp: datetime) -> str:
    if rec_type is RecType.MONTH:
        return "M.txt"
    month = f"-{stamp.month:02d}" if rec_type is RecType.HOUR else ""
    return f"{rec_type.value}-{stamp.year:04d}{month}.txt"


def _checked(dev_number: str) -> str:
    if not is_dev_number(dev_number):
        raise ValueError(f"not a device number: {dev_number!r}")
    return dev_number


def _day(day: date) -> str:
    return f"{day.day:02d}{day.month:02d}{day.year:04d}"
