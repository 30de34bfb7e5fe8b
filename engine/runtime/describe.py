"""One line of `status.txt` for each device, line and server."""

from __future__ import annotations

from engine.formats.status import counts_text, moment_text
from engine.keeper import Keeper
from engine.runtime.lines import Standing, line_name


def device_line(keeper: Keeper) -> str:
    """File, number, type, line, state, last reading, archive, what was refused."""
    settings, standing = keeper.settings, keeper.standing
    parts = [
        f"{settings.file}: {settings.dev_type} №{keeper.dev_number or '?'} {line_name(settings)}",
        state_text(keeper),
    ]
    if standing.read_at:
        parts.append(f"показания {moment_text(standing.read_at)}")
    if polls := standing.readings + standing.missed:
        parts.append(f"опросов {polls}, ответов {standing.readings}")
    if standing.remaining:
        parts.append(f"архив: осталось {standing.remaining} из {standing.total}")
    elif standing.online and not standing.note:
        parts.append("архив полон" if standing.caught_up else "архив ещё не просмотрен")
    if standing.unsummed:
        parts.append(f"записей с чужой контрольной суммой, прочитанных дважды: {standing.unsummed}")
    if standing.doubts:
        parts.append(f"не принято: {counts_text(standing.doubts)}")
    if standing.note:
        parts.append(standing.note)
    return "; ".join(parts)


def state_text(keeper: Keeper) -> str:
    """Whether a device answers, and why not."""
    standing = keeper.standing
    if not keeper.settings.enabled:
        return "выключен"
    if standing.online is False:
        return f"не на связи ({standing.reason})"
    if standing.failures:
        return f"нет ответа {standing.failures} из {keeper.settings.reconnects} ({standing.reason})"
    return "на связи" if standing.online else "ещё не опрошен"


def bus_line(name: str, line: Standing) -> str:
    """State of a line, and by reason what came over it and was not taken."""
    parts = [f"{name}: {'нет связи, ' + line.reason if line.reason else 'работает'}"]
    bus = line.worker.bus
    if bus.requests:
        parts.append(f"запросов {bus.requests}, ответов {bus.answers}")
    if refused := counts_text(bus.refused):
        parts.append(f"не принято: {refused}")
    if line.restarts.count:
        parts.append(f"перезапусков {line.restarts.count}")
    return "; ".join(parts)
