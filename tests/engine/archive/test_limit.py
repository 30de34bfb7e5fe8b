"""What goes when there is no room: whole closed files, what every server has first, oldest first."""

from __future__ import annotations

import pytest

from engine.archive.limit import Stored, excess_bytes, to_remove


def stored(*paths: str, delivered: bool = True) -> list[Stored]:
    return [Stored(path, 100, delivered) for path in paths]


def names(files: list[Stored]) -> list[str]:
    return [file.path for file in files]


@pytest.mark.parametrize(
    ("used", "limit", "disk", "free", "expected"),
    [
        (100, 200, 1000, 500, 0),
        (300, 200, 1000, 500, 100),
        (100, 200, 1000, 10, 40),
        (300, 200, 1000, 0, 100),
    ],
)
def test_excess_is_what_is_over_the_limit_or_missing_to_the_free_share(
    used: int, limit: int, disk: int, free: int, expected: int
) -> None:
    assert excess_bytes(used, limit, disk, free) == expected


def test_nothing_goes_without_an_excess() -> None:
    assert to_remove(stored("1/H-2026-01.txt", "1/H-2026-02.txt"), 0) == []


def test_the_newest_file_of_each_kind_of_each_device_stays() -> None:
    files = stored("1/H-2026-01.txt", "1/H-2026-02.txt", "1/D-2026.txt", "1/M.txt", "2/H-2026-01.txt")
    assert names(to_remove(files, 10_000)) == ["1/H-2026-01.txt"]


def test_the_oldest_go_first_and_only_as_many_as_needed() -> None:
    hours = stored("1/H-2026-02.txt", "1/H-2025-12.txt", "1/H-2026-01.txt", "1/H-2026-03.txt")
    files = hours + stored("1/D-2024.txt", "1/D-2026.txt")
    assert names(to_remove(files, 150)) == ["1/D-2024.txt", "1/H-2025-12.txt"]


def test_what_a_server_still_lacks_goes_last() -> None:
    files = stored("1/H-2026-01.txt", delivered=False) + stored("1/H-2026-02.txt", "1/H-2026-03.txt")
    assert names(to_remove(files, 100)) == ["1/H-2026-02.txt"]
    assert names(to_remove(files, 200)) == ["1/H-2026-02.txt", "1/H-2026-01.txt"]
