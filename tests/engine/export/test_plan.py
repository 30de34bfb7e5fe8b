"""What is new, what fits, and names that every file system can bear."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from engine.export import plan
from engine.export.plan import RESERVE_BYTES, Stamp, Task

SUM = "0123456789abcdef" * 4
NEW, OLD = Stamp(1000, 1_700_000_000_123_456_700), Stamp(900, 1_600_000_000_000_000_000)


def test_a_file_is_new_when_it_is_not_listed_or_its_copy_differs() -> None:
    sources = {"www/1/D-2018.txt": NEW, "www/1/M.txt": NEW, "www/1/E-2018.txt": NEW, "www/1/H-2018-09.txt": NEW}
    listed = {"TSM1/www/1/D-2018.txt": SUM, "TSM1/www/1/M.txt": SUM, "TSM1/www/1/H-2018-09.txt": SUM}
    copies = dict.fromkeys(listed, NEW) | {"TSM1/www/1/M.txt": OLD, "TSM1/www/1/E-2018.txt": NEW}
    tasks = plan.new_tasks(sources, "TSM1", listed, copies)
    assert [(task.source, task.replaces_bytes) for task in tasks] == [("www/1/M.txt", 900), ("www/1/E-2018.txt", 1000)]


def test_a_time_that_a_drive_rounds_is_the_same_and_another_one_is_not() -> None:
    even = NEW.mtime_ns // 2_000_000_000 * 2_000_000_000
    assert plan.is_same(NEW, NEW)
    assert plan.is_same(NEW, Stamp(1000, NEW.mtime_ns - 99))
    assert plan.is_same(NEW, Stamp(1000, even))
    assert not plan.is_same(NEW, Stamp(1000, even - 2_000_000_000))
    assert not plan.is_same(NEW, Stamp(1000, NEW.mtime_ns - 1_000_000))
    assert not plan.is_same(NEW, Stamp(999, NEW.mtime_ns))


def test_days_go_first_then_report_dates_events_and_the_newest_hours() -> None:
    names = ("index.html", "H-2018-08.txt", "H-2018-09.txt", "E-2018.txt", "M.txt", "D-2018.txt")
    tasks = plan.new_tasks({f"www/1/{name}": NEW for name in names}, "TSM1", {}, {})
    assert [task.source[6:] for task in tasks] == [
        "D-2018.txt", "M.txt", "E-2018.txt", "H-2018-09.txt", "H-2018-08.txt", "index.html",
    ]  # fmt: skip


def test_an_old_copy_takes_room_until_the_new_one_is_whole() -> None:
    task = Task("www/1/M.txt", "TSM1/www/1/M.txt", Stamp(5000, 0), replaces_bytes=4096)
    assert plan.fitting([task], RESERVE_BYTES + 8191, 4096) == ([], [task], 1)
    assert plan.fitting([task], RESERVE_BYTES + 8192, 4096) == ([task], [], 0)
    second = Task("www/2/M.txt", "TSM1/www/2/M.txt", Stamp(4096, 0))
    assert plan.fitting([task, second], RESERVE_BYTES + 8192, 4096) == ([task, second], [], 0)


def test_what_is_over_is_what_files_may_grow_by() -> None:
    fit = [Task("a", "a", Stamp(5000, 0), replaces_bytes=4096), Task("b", "b", Stamp(1, 0))]
    assert plan.spare_bytes(fit, RESERVE_BYTES + 10_000, 4096) == 10_000 - 2 * 4096
    assert plan.growth_bytes(5000, 8192, 4096) == 0
    assert plan.growth_bytes(5000, 8193, 4096) == 4096
    assert plan.growth_bytes(5000, 0, 4096) == -8192


def test_a_small_file_fits_behind_one_that_does_not() -> None:
    large, small = Task("a", "a", Stamp(10_000, 0)), Task("b", "b", Stamp(10, 0))
    assert plan.fitting([large, small], RESERVE_BYTES + 4096, 4096) == ([small], [large], 12288)


def test_names_that_a_drive_cannot_bear_are_changed_and_none_is_another_ones() -> None:
    sources = ["www/CON/D-2018.txt", "www/com1.txt", "www/a:b?.txt", "www/Ab/M.txt", "www/aB/M.txt", "www/x. "]
    names = plan.names_on_drive(sources, "TSM1")
    assert names["www/CON/D-2018.txt"] == "TSM1/www/_CON/D-2018.txt"
    assert names["www/com1.txt"] == "TSM1/www/_com1.txt"
    assert names["www/a:b?.txt"] == "TSM1/www/a_b_.txt"
    assert names["www/x. "] == "TSM1/www/x_"
    assert names["www/Ab/M.txt"] == "TSM1/www/Ab/M.txt" and names["www/aB/M.txt"] == "TSM1/www/aB/M~2.txt"


@given(st.sets(st.lists(st.text("aA:.~2 c\x01o", min_size=1, max_size=4), min_size=1, max_size=3).map("/".join)))
def test_whatever_the_names_are_each_has_one_of_its_own(sources: set[str]) -> None:
    names = plan.names_on_drive(sources, "T")
    assert set(names) == sources
    assert len({name.casefold() for name in names.values()}) == len(sources)
    assert not any(re.search(r'[<>:"|?*\\\x00-\x1f]', name) for name in names.values())


def test_a_list_is_read_as_it_was_written_and_a_torn_line_is_none() -> None:
    listed = {"TSM1/www/1/M.txt": SUM, "TSM2/www/Отчет 1.pdf": SUM[::-1]}
    text = plan.list_text(listed)
    assert plan.read_list(text) == listed
    assert plan.read_list(text[:40]) == {} and list(plan.read_list(text + SUM.encode()[:30])) == list(listed)
    assert plan.read_list(text[:-5]) == {"TSM1/www/1/M.txt": SUM}
    assert plan.read_list(b"not a line\n" + text.replace(SUM.encode(), b"zz")) == {"TSM2/www/Отчет 1.pdf": SUM[::-1]}


@given(st.binary(max_size=200))
def test_whatever_stands_in_a_list_is_read_without_an_error(data: bytes) -> None:
    for name, digest in plan.read_list(data).items():
        assert len(digest) == 64 and "\n" not in name
