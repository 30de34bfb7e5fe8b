"""Folders full of drops become one table without doubles, on Dask: the same on a laptop and on a cluster.

    ./scripts/fleet drops_to_table /srv/drops -o /srv/table                             # all cores of this machine
    ./scripts/fleet drops_to_table /srv/drops -o /srv/table --scheduler tcp://host:8786 # the workers of a cluster

Rows, columns and what is a double are those of `agent.py read-drops`; the table is a folder of parts instead of one
file, each device whole in one part, each part sorted. On a cluster every worker must see the folders under the same
path. Under its name the table is whole; one that exists is never touched.
"""

from __future__ import annotations

import argparse
import csv
import io
import logging
import os
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT))

from engine.formats.drop import MAX_DATA_BYTES, BadDrop, Drop, read_drop  # noqa: E402
from engine.naming import VARIANTS, parse_drop_name  # noqa: E402
from engine.read_drops.rows import COLUMNS, rows_of  # noqa: E402

DROPS_AT_ONCE = 1000
"""So many drops are read by one task: some MB of text, half a second of work."""
DROPS_OF_A_PART = 5000
"""So many drops' rows stand in a part of the table on average: what one worker must hold, a hundred MB."""
MANIFEST = "TABLE.txt"
_BETWEEN = "\x1f"
_FRAME = ("Device", "Identity", "Place", "Cells")


class Found(NamedTuple):
    """A drop to be read, and where its other variant lies, empty if it does not."""

    path: str
    other: str


@dataclass
class Told:
    """What became of some drops; the counts are those of `agent.py read-drops`."""

    drops: int = 0
    bad: int = 0
    gone: int = 0
    texts: list[str] = field(default_factory=list)


class Part(NamedTuple):
    """What became of some devices."""

    rows: int
    doubles: int


# --- which drops there are


def drops_of(folder: str) -> Iterator[Found]:
    """Every drop below `folder`: of two variants the one in which no character was lost."""
    for place, _, names in os.walk(folder):
        drops = {name for name in names if parse_drop_name(name)}
        for name in sorted(drops):
            other = other_variant(name)
            is_there = other in drops
            if _variant(name) == VARIANTS[0] or not is_there:
                yield Found(str(Path(place, name)), str(Path(place, other)) if is_there else "")


def other_variant(name: str) -> str:
    """`1_00000001_dos.zip` of `1_00000001_linux.zip`; a server may have changed the case."""
    stem, dot, suffix = name.rpartition(".")
    drop, _, variant = stem.rpartition("_")
    other = VARIANTS[1] if variant.lower() == VARIANTS[0] else VARIANTS[0]
    return f"{drop}_{other.upper() if variant.isupper() else other}{dot}{suffix}"


def _variant(name: str) -> str:
    parsed = parse_drop_name(name)
    assert parsed is not None
    return parsed.variant


# --- what the workers do


def read_many(drops: Sequence[Found]) -> tuple[Any, Told]:
    """The rows of these drops as a frame, and what became of the drops."""
    import pandas

    told = Told()
    lines = [line for found in drops for line in _lines(found, told)]
    columns = zip(*lines, strict=True) if lines else ((),) * len(_FRAME)
    frame = {name: pandas.array(list(column), dtype="str") for name, column in zip(_FRAME, columns, strict=True)}
    return pandas.DataFrame(frame), told


def _lines(found: Found, told: Told) -> Iterator[tuple[str, str, str, str]]:
    drop = _read(found.path, told) or (_read(found.other, told) if found.other else None)
    if drop is None:
        return
    told.drops += 1
    # Of one record in several drops the same one wins, whichever worker was faster.
    info = drop.info
    place = f"{VARIANTS.index(info.variant)};{info.number:010};{info.start};{info.seq:010}"
    for identity, row in rows_of(drop):
        yield row[0], identity, place, _BETWEEN.join(row)


def _read(path: str, told: Told) -> Drop | None:
    try:
        with Path(path).open("rb") as file:
            return read_drop(file.read(MAX_DATA_BYTES + 1))
    except FileNotFoundError:
        told.gone += 1
    except BadDrop as error:
        told.bad += 1
        told.texts.append(f"{path}: посылка не прочитана: {error}")
    return None


def write_part(frame: Any, number: int, folder: str, suffix: str) -> Part:
    """Each row once, in order, as one file of the table. No file for no rows."""
    ordered = frame.sort_values(["Identity", "Place"])
    once = ordered.drop_duplicates("Identity")
    rows = (cells.split(_BETWEEN) for cells in once["Cells"])
    if len(once):
        path = Path(folder, f"part-{number:05}.{suffix}")
        (_write_parquet if suffix == "parquet" else _write_csv)(path, rows)
    return Part(len(once), len(ordered) - len(once))


def _write_parquet(path: Path, rows: Iterable[Sequence[str]]) -> None:
    import pyarrow
    import pyarrow.parquet

    schema = pyarrow.schema([(name, pyarrow.string()) for name in COLUMNS])
    columns = [pyarrow.array(column, pyarrow.string()) for column in zip(*rows, strict=True)]
    pyarrow.parquet.write_table(pyarrow.table(columns, schema=schema), path)


def _write_csv(path: Path, rows: Iterable[Sequence[str]]) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, delimiter=";", lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows)


# --- how they are put together


def make_table(drops: Sequence[Found], folder: str, suffix: str, batch: int, of_a_part: int) -> tuple[Told, Part]:
    """Read all drops, bring the rows of each device together, write them. On whatever Dask works with.

    `batch` drops are read by one task; there are as many parts as if each held the rows of `of_a_part` drops.
    """
    import dask
    import dask.dataframe
    import pandas

    pieces = [drops[begin : begin + batch] for begin in range(0, len(drops), batch)]
    read = [dask.delayed(read_many, nout=2)(piece) for piece in pieces]
    meta = pandas.DataFrame({name: pandas.array([], dtype="str") for name in _FRAME})
    frames = dask.dataframe.from_delayed([frame for frame, _ in read], meta=meta, verify_meta=False)
    parts = -(-len(drops) // of_a_part)
    by_device = frames.shuffle("Device", npartitions=parts).to_delayed()
    written = [dask.delayed(write_part)(frame, number, folder, suffix) for number, frame in enumerate(by_device)]
    told, sizes = dask.compute([each for _, each in read], written)
    return _sum_told(told), Part(sum(size.rows for size in sizes), sum(size.doubles for size in sizes))


def _sum_told(several: Iterable[Told]) -> Told:
    total = Told()
    for told in several:
        total.drops += told.drops
        total.bad += told.bad
        total.gone += told.gone
        total.texts += told.texts
    return total


def program() -> bytes:
    """The modules that the workers need, as a zip that Python imports from."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path in sorted((PROJECT / "engine").rglob("*.py")):
            archive.write(path, path.relative_to(PROJECT))
    return packed.getvalue()


def run(options: argparse.Namespace) -> int:
    """The exit code: 0 when every drop was read."""
    output: Path = options.output.absolute()
    if output.exists():
        print(f"{output}: уже есть, не тронуто", file=sys.stderr)
        return 2
    drops = [found for folder in options.folders for found in drops_of(str(folder.absolute()))]
    if not drops:
        print("посылок нет", file=sys.stderr)
        return 1
    with ExitStack() as opened:
        scratch = opened.enter_context(
            tempfile.TemporaryDirectory(dir=output.parent, prefix=f".{output.name}.", ignore_cleanup_errors=True)
        )
        _connect(options, opened, scratch)
        unfinished = Path(scratch, "table")
        unfinished.mkdir()
        told, part = make_table(drops, str(unfinished), options.format, options.batch, options.part)
        summary = f"посылок {told.drops}, строк {part.rows}, повторов {part.doubles}, не прочитано {told.bad}"
        for text in sorted(told.texts):
            print(text, file=sys.stderr)
        if told.gone:
            print(f"нет на месте: {told.gone}; каждый работник должен видеть те же папки", file=sys.stderr)
        if not told.drops:
            return 1
        Path(unfinished, MANIFEST).write_text(f"{summary}\n", encoding="utf-8")
        unfinished.chmod(0o755)
        unfinished.rename(output)
    print(summary)
    return 1 if told.bad or told.gone else 0


def _connect(options: argparse.Namespace, opened: ExitStack, scratch: str) -> None:
    """From here on Dask computes on the cluster that was named, or on one of this machine's cores."""
    import dask
    from distributed import Client, LocalCluster

    # Rows go through the disks of the workers, not through their memory; that this begins and ends is no warning.
    dask.config.set({"dataframe.shuffle.method": "p2p"})
    logging.getLogger("distributed.shuffle").setLevel(logging.ERROR)
    address = options.scheduler
    if address is None:
        local = LocalCluster(
            n_workers=options.workers, threads_per_worker=1, dashboard_address=None, local_directory=f"{scratch}/dask",
            host="127.0.0.1",
        )  # fmt: skip
        address = opened.enter_context(local)
    client = opened.enter_context(Client(address))
    module = Path(scratch, "engine.zip")
    module.write_bytes(program())
    client.upload_file(str(module))


def main(arguments: Sequence[str]) -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="drops_to_table", description="посылки многих агентов в одну таблицу на Dask")
    parser.add_argument("folders", type=Path, nargs="+", metavar="ПАПКА")
    parser.add_argument("-o", dest="output", type=Path, required=True, metavar="ПАПКА", help="таблица, её ещё нет")
    parser.add_argument("--format", choices=("parquet", "csv"), default="parquet")
    parser.add_argument("--scheduler", metavar="АДРЕС", help="кластер Dask; иначе ядра этой машины")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), metavar="N", help="процессов на этой машине")
    parser.add_argument("--batch", type=int, default=DROPS_AT_ONCE, metavar="N", help="посылок на одну задачу")
    parser.add_argument("--part", type=int, default=DROPS_OF_A_PART, metavar="N", help="посылок на одну часть таблицы")
    return run(parser.parse_args(arguments))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
