"""Which agents there are, and which files each of them is to have."""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from engine import naming
from engine.settings import check_file

FTP_PORT = 21
_COLUMNS = ("address", "user", "password_file")
_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z][0-9A-Za-z.\-]*)(?::([0-9]{1,5}))?")


class BadList(Exception):
    """What is wrong with the table of agents or the templates as a whole."""


@dataclass(frozen=True)
class Agent:
    """One line of the table. `values` are all its columns."""

    address: str
    host: str
    port: int
    user: str
    password: str
    values: Mapping[str, str]


def agents_of(table: Path) -> list[Agent]:
    """Every agent of the table. Raises BadList, OSError."""
    with table.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    found: dict[str, Agent] = {}
    for number, row in enumerate(rows, 2):
        address = (row.get("address") or "").strip()
        parts = _ADDRESS.fullmatch(address)
        if parts is None or not row.get("user") or not row.get("password_file"):
            raise BadList(f"{table}:{number}: нужны столбцы {', '.join(_COLUMNS)}, адрес вида host или host:port")
        if address in found:
            raise BadList(f"{table}:{number}: {address}: такой адрес уже был")
        secret = (table.parent / row["password_file"]).read_text(encoding="utf-8").rstrip("\r\n")
        values = {key: value or "" for key, value in row.items() if key}
        port = int(parts[2] or FTP_PORT)
        found[address] = Agent(address, parts[1].strip("[]"), port, row["user"], secret, values)
    return list(found.values())


def templates_of(folder: Path) -> dict[str, Template]:
    """By their path on the agent, `ftp.ini` last: a change of it may end the session. Raises BadList, OSError."""
    texts = {
        path.relative_to(folder).as_posix(): Template(path.read_bytes().decode("utf-8"))
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    strangers = [path for path in texts if not naming.is_config(path)]
    if strangers or not texts:
        raise BadList(f"{folder}: не файлы настроек агента: {', '.join(strangers) or 'нет ни одного'}")
    return dict(sorted(texts.items(), key=lambda each: (each[0].casefold() == naming.FTP_INI.casefold(), each[0])))


def rendered(agent: Agent, templates: Mapping[str, Template]) -> tuple[dict[str, bytes], list[str]]:
    """The files of one agent, and what is wrong with them: then none is to be sent."""
    contents: dict[str, bytes] = {}
    problems: list[str] = []
    for path, template in templates.items():
        try:
            contents[path] = template.substitute(agent.values).encode()
        except KeyError as error:
            problems.append(f"{path}: нет столбца {error.args[0]}")
        except ValueError as error:
            problems.append(f"{path}: {error}")
        else:
            problems += [str(each) for each in check_file(path, contents[path]) if not each.warning]
    return contents, problems
