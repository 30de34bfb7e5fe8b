"""What a client can name, and what it cannot."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.ftpd.tree import Tree


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    for folder in ("log/User/devices", "log/Ftp", "log/FTP", "www/440020", "var"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "log/User/devices/Котёл.ini").write_bytes(b"")
    (tmp_path / "log/link").symlink_to(tmp_path / "var")
    return Tree(tmp_path)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("/", ""), ("/LOG/user", "log/User"), ("/log/FTP", "log/Ftp"), ("/WWW/440020", "www/440020"),
        ("/log/user/DEVICES/КОТЁЛ.INI", "log/User/devices/Котёл.ini"),
        ("/log/User/devices/Коте\u0308л.ini", "log/User/devices/Котёл.ini"),
        ("/log/User/devices/New.INI", "log/User/devices/New.ini"),
        ("/log/user/TXT/1.txt", "log/User/txt/1.txt"), ("/www/no/such/file", "www/no/such/file"),
    ],
)  # fmt: skip
def test_a_path_is_found_under_any_spelling(tree: Tree, asked: str, found: str) -> None:
    assert tree.relative(tree.locate(asked)) == found


@pytest.mark.parametrize("asked", ["/var", "/Var/x", "/log/link", "/log/LINK/x", "/log/.x", "/log/a\nb", "/log/.."])
def test_a_hidden_path_is_not_there(tree: Tree, asked: str) -> None:
    with pytest.raises(FileNotFoundError):
        tree.locate(asked)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(["log", "WWW", "User", "..", ".", "link", "var", "~", "\udcff", "a b", "Ftp", ""])))
def test_no_path_leads_out_of_the_tree(tree: Tree, parts: list[str]) -> None:
    try:
        place = tree.locate("/" + "/".join(parts))
    except FileNotFoundError:
        return
    assert place.resolve() == place
    assert tree.relative(place).partition("/")[0] in ("", "log", "www")
