"""What the agent asks the child process for, and what that answers: lines of JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from typing import NamedTuple

from engine.model import RecType
from engine.report.plan import Device


class Ask(NamedTuple):
    """All that is due on the day `made`, or with `kind` one period of the first device.

    `nameless`: further devices have reports, whose numbers are not known yet.
    """

    root: str
    devices: tuple[Device, ...]
    made: date
    days: int = 31
    kind: RecType | None = None
    first: date | None = None
    last: date | None = None
    nameless: bool = False


class Answer(NamedTuple):
    """Paths of new PDFs relative to the root; what went wrong, in the user's words."""

    made: tuple[str, ...]
    problems: tuple[str, ...]


def ask_text(ask: Ask) -> str:
    told = {**ask._asdict(), "devices": [asdict(device) for device in ask.devices]}
    return json.dumps(told, ensure_ascii=False, default=date.isoformat)


def read_ask(text: str) -> Ask:
    """ValueError for anything that `ask_text` did not write."""
    told = json.loads(text)
    devices = tuple(Device(**{**device, "fields": tuple(device["fields"])}) for device in told["devices"])
    kind = RecType(told["kind"]) if told["kind"] else None
    first, last = (date.fromisoformat(told[key]) if told[key] else None for key in ("first", "last"))
    made, days = date.fromisoformat(told["made"]), int(told["days"])
    return Ask(told["root"], devices, made, days, kind, first, last, bool(told["nameless"]))


def answer_text(made: Sequence[str], problems: Sequence[str]) -> str:
    return json.dumps({"made": list(made), "problems": list(problems)}, ensure_ascii=False)


def read_answer(text: str) -> Answer:
    """ValueError when the child did not come to its end."""
    try:
        told = json.loads(text)
        return Answer(tuple(told["made"]), tuple(told["problems"]))
    except (KeyError, TypeError) as error:
        raise ValueError(str(error)) from error
