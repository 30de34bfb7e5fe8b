"""Reading archives by hand (#14, #126, #127, #152): what is missing is stored, what differs is told."""

from __future__ import annotations

from collections.abc import Callable

from engine.archive import reread
from engine.archive.catchup import Catchup
from engine.command import Archive, CommandFailed
from engine.keeper import Keeper
from engine.keeper.errand import Errand
from engine.model import RecType
from engine.runtime.command_desk import Desk, Steps

LOST_S = 300.0
"""A device that is lost on the way may come back within this time."""
NEVER_MET_S = 60.0


def rebuild(desk: Desk, number: str) -> Steps:
    """Everything that the meter has."""
    keeper = yield from desk.device(number)
    yield from _read(desk, keeper, reread.all_of_it)


def archive(desk: Desk, command: Archive) -> Steps:
    """The days that are named, or as much as the device's settings say."""
    keeper = yield from desk.device(command.number)
    yield from _read(desk, keeper, lambda: _catchup(keeper, command))


def _catchup(keeper: Keeper, command: Archive) -> Catchup:
    if command.first and command.last:
        kinds = (command.kind,) if command.kind else tuple(RecType)
        return reread.days_of(kinds, command.first, command.last)
    counts = {RecType.HOUR: keeper.settings.hour_records, RecType.DAY: keeper.settings.day_records}
    return reread.newest_of({kind: most for kind, most in counts.items() if command.kind in (None, kind)})


def _read(desk: Desk, keeper: Keeper, walks: Callable[[], Catchup]) -> Steps:
    errand = Errand(desk.house.root, walks, desk.tell)
    keeper.send(errand)
    try:
        with desk.polled(keeper):
            yield from _until_complete(desk, keeper, errand)
    finally:
        if not errand.complete:
            keeper.send(None)
    if keeper.makes_records:
        raise CommandFailed("прибор не хранит архива: записи делает агент")
    keeper.sync()
    _sum_up(desk, errand)


def _until_complete(desk: Desk, keeper: Keeper, errand: Errand) -> Steps:
    begun_s = met_s = desk.clock()
    while not errand.complete:
        desk.check(keeper)
        now_s, standing = desk.clock(), keeper.standing
        if standing.is_hindered:
            raise CommandFailed(standing.note)
        if standing.online and not standing.failures:
            met_s = now_s
        patience_s = LOST_S if met_s > begun_s else NEVER_MET_S
        if now_s - met_s > patience_s:
            raise CommandFailed(f"прибор не отвечает: {standing.reason or 'нет ответа'}")
        if errand.total:
            done = errand.total - errand.remaining
            desk.progress(f"просмотрено мест {done} из {errand.total} ({100 * done // errand.total} %)")
        yield


def _sum_up(desk: Desk, errand: Errand) -> None:
    read = ", ".join(f"{kind} {count}" for kind, count in sorted(errand.met.items()))
    added = ", ".join(f"{kind} {count}" for kind, count in sorted(errand.added.items()))
    desk.tell(f"прочитано записей: {read or '0'}; добавлено: {added or '0'}; расходится: {errand.differing}")
    if errand.damaged:
        desk.tell(f"не читается: {errand.damaged}")
    if errand.given_up:
        desk.tell(f"не сохраняется, удалено раньше по ArchiveLimit: {errand.given_up}")
