"""`agent.py read-drops`: folders full of drops become one table without doubles, for those who receive them.

A folder may hold any number of drops, of any number of agents and servers: rows are gathered and sorted in a
temporary database on the disk, so memory does not grow with their count.
"""

from __future__ import annotations

import csv
import errno
import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self, TextIO

from engine.formats.drop import MAX_DATA_BYTES, BadDrop, Drop, read_drop
from engine.naming import parse_drop_name
from engine.read_drops.rows import COLUMNS, Row, rows_of

BATCH_ROWS = 5000
CACHE_KIB = 4096
PROGRESS_S = 0.2
_BETWEEN = "\x1f"


@dataclass
class Merged:
    """What became of the drops: files read, rows written, rows that were there already, files that are no drops."""

    drops: int = 0
    rows: int = 0
    doubles: int = 0
    bad: int = 0


class Sink(Protocol):
    """Where rows go."""

    def write(self, row: Row) -> None: ...


def merge_drops(folders: Iterable[Path], output: Path, *, progress: TextIO | None = None) -> Merged:
    """Write every record of the drops below `folders` once to `output`: `.csv`, or `.parquet` where pyarrow is there.

    Values are the texts of the files, columns `rows.COLUMNS`. A damaged drop is told on stderr and counted; its other
    variant is read in its place. The table is under its name when it is whole. Raises OSError, and ImportError for
    Parquet without pyarrow.
    """
    sources = tuple(folders)
    merged = Merged()
    _check(output)
    with tempfile.TemporaryDirectory(dir=output.absolute().parent) as scratch, closing(_Rows(scratch)) as rows:
        bar = _Bar(progress, sum(1 for folder in sources for _ in _drops(folder)))
        for path in (path for folder in sources for path in _drops(folder)):
            _merge_one(path, rows, merged)
            bar.step(merged)
        unfinished = Path(scratch, f"table{output.suffix}")
        with _sink(unfinished) as sink:
            for row in rows.in_order():
                sink.write(row)
        unfinished.replace(output)
    return merged


def _check(output: Path) -> None:
    """What would fail at the end fails before the first drop is read."""
    if output.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(output))
    if not output.absolute().parent.exists():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(output.parent))
    if _is_parquet(output):
        import pyarrow.parquet  # noqa: F401


def _merge_one(path: Path, rows: _Rows, merged: Merged) -> None:
    drop = _read(path, merged) or _read(_other_variant(path), merged)
    if drop is None:
        return
    merged.drops += 1
    for identity, row in rows_of(drop):
        if rows.add(identity, row):
            merged.rows += 1
        else:
            merged.doubles += 1


def _read(path: Path, merged: Merged) -> Drop | None:
    """None for a damaged drop, which is told, and for one that somebody took away since the folder was looked at."""
    try:
        with path.open("rb") as file:
            return read_drop(file.read(MAX_DATA_BYTES + 1))
    except FileNotFoundError:
        return None
    except BadDrop as error:
        merged.bad += 1
        sys.stderr.write(f"{path}: посылка не прочитана: {error}\n")
        return None


def _drops(folder: Path) -> Iterator[Path]:
    """Every file that is named like a drop, below `folder` at any depth, one at a time."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _drops(Path(entry.path))
            elif entry.is_file() and _is_wanted(Path(entry.path)):
                yield Path(entry.path)


def _is_wanted(path: Path) -> bool:
    """A drop, and of two variants of one drop the one in which no character was lost."""
    name = parse_drop_name(path.name)
    if name is None:
        return False
    return name.variant == "linux" or not _other_variant(path).exists()


def _other_variant(path: Path) -> Path:
    """The same records: `1_00000001_dos.zip` beside `1_00000001_linux.zip`. A server may have changed the case."""
    drop, _, variant = path.stem.rpartition("_")
    other = "dos" if variant.lower() == "linux" else "linux"
    return path.with_name(f"{drop}_{other.upper() if variant.isupper() else other}{path.suffix}")


class _Rows:
    """Rows by their identity, each once: by device, type and stamp. On the disk, a set would grow without end."""

    def __init__(self, folder: str) -> None:
        self._database = sqlite3.connect(Path(folder, "rows"), isolation_level=None)
        self._database.executescript(
            f"PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-{CACHE_KIB};"
            "CREATE TABLE rows (identity TEXT PRIMARY KEY, cells TEXT) WITHOUT ROWID; BEGIN"
        )

    def add(self, identity: str, row: Row) -> bool:
        """Whether it is a new one."""
        values = (identity, _BETWEEN.join(row))
        return self._database.execute("INSERT OR IGNORE INTO rows VALUES (?, ?)", values).rowcount == 1

    def in_order(self) -> Iterator[Row]:
        for (cells,) in self._database.execute("SELECT cells FROM rows ORDER BY identity"):
            yield tuple(cells.split(_BETWEEN))

    def close(self) -> None:
        self._database.close()


def _sink(output: Path) -> AbstractContextManager[Sink]:
    return _Parquet(output) if _is_parquet(output) else _Csv(output)


def _is_parquet(output: Path) -> bool:
    return output.suffix.lower() == ".parquet"


class _Csv:
    """Semicolons and a BOM: what Excel opens by a double click where a comma is the decimal mark."""

    def __init__(self, output: Path) -> None:
        self._output = output

    def __enter__(self) -> Self:
        self._file = self._output.open("w", encoding="utf-8-sig", newline="")
        self._writer = csv.writer(self._file, delimiter=";", lineterminator="\n")
        self._writer.writerow(COLUMNS)
        return self

    def write(self, row: Row) -> None:
        self._writer.writerow(row)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


class _Parquet:
    """Texts in columns, in row groups of `BATCH_ROWS`."""

    def __init__(self, output: Path) -> None:
        self._output = output
        self._rows: list[Row] = []

    def __enter__(self) -> Self:
        import pyarrow
        import pyarrow.parquet

        self._arrow: Any = pyarrow
        self._schema = pyarrow.schema([(name, pyarrow.string()) for name in COLUMNS])
        self._writer = pyarrow.parquet.ParquetWriter(str(self._output), self._schema)
        return self

    def write(self, row: Row) -> None:
        self._rows.append(row)
        if len(self._rows) >= BATCH_ROWS:
            self._flush()

    def _flush(self) -> None:
        columns: Sequence[Sequence[str]] = list(zip(*self._rows, strict=True))
        if columns:
            self._writer.write_table(self._arrow.table(columns, schema=self._schema))
        self._rows.clear()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._flush()
        self._writer.close()


class _Bar:
    """A progress bar on a terminal; nothing in a pipe."""

    def __init__(self, stream: TextIO | None, total: int) -> None:
        self._stream = stream if stream and stream.isatty() else None
        self._total = total
        self._done = 0
        self._shown_s = 0.0

    def step(self, merged: Merged) -> None:
        """Show how far it is, now and then."""
        self._done, now_s = self._done + 1, time.monotonic()
        done = self._done
        if self._stream is None or (now_s - self._shown_s < PROGRESS_S and done < self._total):
            return
        self._shown_s = now_s
        filled = 40 * done // max(self._total, 1)
        end = "\n" if done == self._total else ""
        bar = f"[{'#' * filled}{'.' * (40 - filled)}]"
        self._stream.write(f"\r{bar} {done} из {self._total}, строк {merged.rows}{end}")
        self._stream.flush()
