"""What `status.txt` and the index show of the agent: its life, and what every device, line and part tells of itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from engine.due import Moment
from engine.errors import Problem
from engine.formats.status import StatusView
from engine.runtime.describe import bus_line, device_line
from engine.runtime.part import House, Part
from engine.settings import AgentSettings


@dataclass
class Life:
    """Since when the agent works and its settings are in force, whether it has ended, what crashed how often."""

    started: Moment
    settings_since: Moment
    stopped: bool = False
    crashes: Counter[str] = field(default_factory=Counter)


def status_view(
    house: House, parts: Sequence[Part], agent: AgentSettings, problems: Sequence[Problem], life: Life, now_s: float
) -> StatusView:
    """Everything, as it is at this moment; `now_s` is monotonic."""
    now = house.now()
    clock = [] if now else ["часы устройства не установлены: время не ставится, посылки ждут"]
    return StatusView(
        name=agent.name,
        number=agent.number,
        now=now,
        started=life.started.when(now, now_s),
        stopped=life.stopped,
        settings_since=life.settings_since.when(now, now_s),
        problems=problems,
        warnings=[*(text for part in parts for text in part.warnings()), *clock],
        sections=_sections(house, parts),
        crashes=life.crashes,
    )


def _sections(house: House, parts: Sequence[Part]) -> Mapping[str, Sequence[str]]:
    devices = [device_line(keeper) for keeper in house.devices.keepers.values()]
    lines = [bus_line(name, line) for name, line in house.lines.lines.items()]
    own = {part.title: part.lines() for part in parts if part.title}
    return {"Приборы": devices or ["нет"], "Линии": lines or ["нет"], **own}
