"""Makes what is due: reads, draws, puts whole files in place, clears old folders. Runs in the child process."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path

from engine import files, naming
from engine.reasons import why
from engine.report import plan, reading
from engine.report.plan import Device, Order
from engine.report.statement import Statement

FONTS = Path(__file__).resolve().parents[2] / "etc" / "font"

Told = Callable[[str], None]

_GOING = ".old"


def make_due(
    root: Path, devices: Sequence[Device], days: int, made: date, now_s: float, problem: Told, *, nameless: bool = False
) -> list[str]:
    """Daily and monthly reports that are not there yet, then the old ones go; returns the paths of new PDFs.

    `now_s` is the wall clock, by which ordered reports grow old. A device that fails costs the others nothing; nor
    are the reports of one `nameless`, whose number is not known now, taken for those of nobody.
    """
    new: list[str] = []
    failed = False
    for device in devices:
        try:
            for order in _due(root, device, days, made):
                new += make(root, order, anew=False)
        except (OSError, ValueError) as error:
            failed = True
            problem(f"отчет {device.dev_number}: {why(error) if isinstance(error, OSError) else error}")
    try:
        own = {device.dev_number for device in devices} if nameless else None
        _rotate(root, own, made, now_s, complete=not failed)
    except OSError as error:
        problem(f"старые отчеты не убраны: {why(error)}")
    return new


def make(root: Path, order: Order, *, anew: bool) -> list[str]:
    """One order, all systems; what is there already is made again if `anew` or while a month may yet get its days.

    Paths of what was made; what came out with the same bytes counts only if `anew`.
    """
    count = reading.system_count(root, order.device.dev_number, order.period.kind)
    new = []
    for system in range(1, count + 1):
        pdf, xlsx = order.path(system), order.path(system, "xlsx")
        if anew or not _is_there(root / pdf, root / xlsx, order):
            pdf_data, xlsx_data = _drawn(reading.statement_of(root, order.device, system, order.period))
            written = files.write_whole(root / pdf, pdf_data, synced=False)
            written |= files.write_whole(root / xlsx, xlsx_data, synced=False)  # last: it says that both are whole
            new += [pdf] if anew or written else []
    return new


def _is_there(pdf: Path, xlsx: Path, order: Order) -> bool:
    return pdf.exists() and xlsx.exists() and not (order.is_monthly and reading.has_holes(xlsx))


def _drawn(statement: Statement) -> tuple[bytes, bytes]:
    """PDF and .xlsx. Where everything is there already, which is most often, the libraries are not even loaded."""
    from engine.report.pages import pdf_of
    from engine.report.sheet import xlsx_of

    return pdf_of(statement, FONTS), xlsx_of(statement)


def order_folder(root: Path, today: date) -> str:
    """Where ordered reports go."""
    return plan.newest_folder(_folders(root), today)


def _due(root: Path, device: Device, days: int, made: date) -> Iterator[Order]:
    last = reading.last_whole_day(root, device.dev_number, made)
    if last is None:
        return
    order = plan.daily(device, last, days, made)
    yield order
    _remove_former(root, order)
    if month := plan.monthly(device, last, made):
        yield month


def _remove_former(root: Path, order: Order) -> None:
    """Today's report up to an earlier day goes when a later day was stored meanwhile."""
    keep = Path(order.path(1)).name.partition("_")[0]
    for path in (root / order.folder).glob("from*"):
        if plan.is_of_device(path.name, order.device.dev_number) and not path.name.startswith(f"{keep}_"):
            files.remove(path)


def _folders(root: Path) -> list[str]:
    archives = root / naming.ARCHIVES
    return sorted(path.name for path in archives.iterdir() if path.is_dir() and not path.is_symlink())


def _old_folders(root: Path, made: date, own: Collection[str] | None, *, complete: bool) -> list[str]:
    """Daily folders that go; while not all devices are known, only the `own` numbers may be in them."""
    names = _folders(root)
    going = plan.old_folders(names, made, complete=complete)
    if own is None:
        return going
    very_old = plan.old_folders(names, made, complete=False)
    return [name for name in going if name in very_old or _numbers_in(root / naming.ARCHIVES / name) <= {*own, ""}]


def _numbers_in(folder: Path) -> set[str]:
    return {plan.device_of(path.name) for path in folder.iterdir()}


def _rotate(root: Path, own: Collection[str] | None, made: date, now_s: float, *, complete: bool) -> None:
    archives, newest = root / naming.ARCHIVES, root / naming.report_folder(made)
    if not newest.is_dir():
        return
    for name in _old_folders(root, made, own, complete=complete):
        for path in sorted((archives / name).iterdir()):
            if plan.is_ordered(path.name) and not _is_old(path, now_s):
                path.replace(newest / path.name)
        _remove_folder(archives / name)
    for path in sorted(archives.glob(f".Otchety*{_GOING}")):
        shutil.rmtree(path)  # a run that was cut off left it
    for path in sorted(newest.glob("from*")):
        if plan.is_ordered(path.name) and _is_old(path, now_s):
            with suppress(FileNotFoundError):
                files.remove(path)


def _remove_folder(folder: Path) -> None:
    """First out of sight: whoever writes an index at this moment cannot put it into what is being emptied."""
    hidden = folder.with_name(f".{folder.name}{_GOING}")
    if hidden.exists():
        shutil.rmtree(hidden)
    folder.rename(hidden)
    shutil.rmtree(hidden)


def _is_old(path: Path, now_s: float) -> bool:
    return now_s - path.stat().st_mtime > plan.ORDERED_KEPT_S
