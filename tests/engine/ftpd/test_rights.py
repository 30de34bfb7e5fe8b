"""The rights of the three users, by table."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from engine.ftpd.rights import (
    Act,
    Role,
    allowed,
    from_wire,
    in_inbox,
    is_part,
    is_too_deep,
    spelling,
    storable_name,
    visible_name,
)

OF_USER = (
    "log/User/agent.ini", "log/User/ftp.ini", "log/User/ssmtp.conf", "log/User/revaliases",
    "log/User/devices/a.ini", "log/User/templates/pump.ini", "log/User/cmd/a.txt", "log/lcd.info",
    "log/VPN/client.ovpn", "log/VPN/pass.txt", "log/Ftp/1_00000001_dos.zip", "log/Ftp/north/1_00000001_dos.zip",
)  # fmt: skip
CLEARED_BY_USER = (
    "log/User/txt/440020.txt", "log/User/agent.ini.refused", "log/User/devices/a.ini.refused", "log/lcd.info.refused",
    "log/User/cmd/a.out",
)  # fmt: skip
OF_AGENT = (
    "log/User/status.txt", "log/User/journal.txt", "log/USB.rules", "log/lcd.info.old", "www/index.html",
    "www/440020/H-2018-09.txt", "www/Otchety280820/from27072020to26082020_2405s1.pdf",
)  # fmt: skip
FOLDERS = ("log", "log/User", "log/User/devices", "log/User/txt", "log/VPN", "log/Ftp", "www", "www/440020")
HIDDEN = ("var", "var/cursors", "etc/factory/agent.ini", "agent.py", "logs", "wwwx/a")


@pytest.mark.parametrize("path", OF_USER)
def test_the_main_user_keeps_his_own_files(path: str) -> None:
    assert all(allowed(Role.USER, act, path) for act in (Act.SEE, Act.READ, Act.STORE, Act.DELETE, Act.RENAME))


@pytest.mark.parametrize("path", CLEARED_BY_USER)
def test_the_main_user_clears_what_the_agent_left_for_him(path: str) -> None:
    assert allowed(Role.USER, Act.READ, path)
    assert allowed(Role.USER, Act.DELETE, path)
    assert not allowed(Role.USER, Act.STORE, path)


@pytest.mark.parametrize("path", OF_AGENT)
def test_the_main_user_only_reads_the_agents_files(path: str) -> None:
    assert allowed(Role.USER, Act.READ, path)
    assert not any(allowed(Role.USER, act, path) for act in (Act.STORE, Act.DELETE, Act.RENAME, Act.REMOVE_FOLDER))


@pytest.mark.parametrize("path", FOLDERS)
def test_the_folders_of_the_tree_stay(path: str) -> None:
    assert allowed(Role.USER, Act.SEE, path)
    assert not any(allowed(role, act, path) for role in Role for act in (Act.REMOVE_FOLDER, Act.DELETE, Act.RENAME))


@pytest.mark.parametrize("suffix", [".part", ".filepart", ".new", ".tmp", ".bak"])
@pytest.mark.parametrize("path", ["log/User/agent.ini", "log/User/devices/a.ini", "log/lcd.info"])
def test_the_main_user_may_send_under_another_name_and_rename(path: str, suffix: str) -> None:
    assert allowed(Role.USER, Act.STORE, path + suffix)
    assert allowed(Role.USER, Act.RENAME, path + suffix)


@pytest.mark.parametrize(
    "path", ["log/User/new.ini", "log/User/devices/a.exe", "log/User/devices/a/b.ini", "log/x.bin", "www/a", "a"]
)
def test_nobody_stores_what_has_no_place(path: str) -> None:
    assert not any(allowed(role, Act.STORE, path) for role in Role)


@pytest.mark.parametrize("path", HIDDEN)
def test_nobody_does_anything_outside_of_log_and_www(path: str) -> None:
    assert not any(allowed(role, act, path) for role in Role for act in Act)


@pytest.mark.parametrize("path", ["www/440020/M.txt", "www/index.html", "log/User/txt/440020.txt"])
def test_the_reading_user_reads_archives_and_snapshots(path: str) -> None:
    assert allowed(Role.READER, Act.SEE, path)
    assert allowed(Role.READER, Act.READ, path)


@pytest.mark.parametrize("path", [*OF_USER, "log/User/status.txt", "log/User/journal.txt", "log/Ftp", "log/VPN"])
def test_the_reading_user_knows_of_nothing_else(path: str) -> None:
    assert not any(allowed(Role.READER, act, path) for act in Act)


def test_the_reading_user_changes_nothing() -> None:
    paths = (*OF_USER, *OF_AGENT, *CLEARED_BY_USER, *FOLDERS, "")
    assert not any(allowed(Role.READER, act, path) for path in paths for act in Act if act not in (Act.SEE, Act.READ))


def test_the_inbox_user_brings_drops_and_sees_them() -> None:
    path = "log/Ftp/north/1_00000001_dos.zip.part"
    assert all(allowed(Role.INBOX, act, path) for act in (Act.SEE, Act.STORE, Act.RENAME))
    assert allowed(Role.INBOX, Act.MAKE_FOLDER, "log/Ftp/north")


def test_the_inbox_user_neither_reads_nor_deletes() -> None:
    path = "log/Ftp/1_00000001_dos.zip"
    assert not any(allowed(Role.INBOX, act, path) for act in (Act.READ, Act.DELETE, Act.REMOVE_FOLDER))


@pytest.mark.parametrize("path", ["log/User", "log/User/ftp.ini", "log/User/txt/440020.txt", "www", "www/440020/M.txt"])
def test_the_inbox_user_knows_of_nothing_else(path: str) -> None:
    assert not any(allowed(Role.INBOX, act, path) for act in Act)


def test_every_user_sees_the_way_to_his_folders() -> None:
    assert all(allowed(role, Act.SEE, "") and allowed(role, Act.SEE, "log") for role in Role)


def test_rights_do_not_depend_on_case() -> None:
    assert allowed(Role.USER, Act.STORE, "log/User/AGENT.INI")
    assert not allowed(Role.USER, Act.STORE, "log/User/STATUS.TXT")
    assert not allowed(Role.READER, Act.READ, "log/user/FTP.ini")


@pytest.mark.parametrize(
    ("folder", "name", "written"),
    [
        ("", "LOG", "log"), ("", "WWW", "www"), ("log", "FTP", "Ftp"), ("log", "user", "User"), ("log", "vpn", "VPN"),
        ("log/User", "TXT", "txt"), ("log/User", "Agent.INI", "agent.ini"), ("log", "LCD.INFO", "lcd.info"),
        ("log/User/devices", "Kotel.INI", "Kotel.ini"), ("log/User/cmd", "Push.TXT", "Push.txt"),
        ("log/User/devices", "Kotel.INI.part", "Kotel.INI.part"), ("log/Ftp", "A.ZIP", "A.ZIP"),
        ("log/Ftp", "agent.INI", "agent.INI"),
    ],
)  # fmt: skip
def test_known_names_are_written_one_way(folder: str, name: str, written: str) -> None:
    assert spelling(folder, name) == written


@pytest.mark.parametrize("name", ["", "..", ".hidden", "a\\b", "a/b", "a\nb", "a\0b", "a\x7fb", "a\u2028b", "\x85"])
def test_names_that_hide_or_break_a_line_are_not_shown(name: str) -> None:
    assert not visible_name(name)


@pytest.mark.parametrize("name", ["котельная №1.ini", "a b.txt", "ТЭМ-104.ini", "client.ovpn"])
def test_ordinary_names_are_stored(name: str) -> None:
    assert storable_name(name)


def test_a_name_whose_letters_are_unknown_is_shown_but_not_stored() -> None:
    name = b"\x98\xff.ini".decode("utf-8", "surrogateescape")
    assert visible_name(name)
    assert not storable_name(from_wire(name))


@settings(max_examples=60)
@given(st.text(alphabet="абвгдежзийклмнопрстуфхцчшщъыьэюяАБВГДЕЁё№ abc019._-", min_size=1))
def test_a_name_in_cp1251_is_the_name_in_utf_8(name: str) -> None:
    on_wire = name.encode("cp1251").decode("utf-8", "surrogateescape")
    assume(any("\udc80" <= letter <= "\udcff" for letter in on_wire) or on_wire.isascii())  # else it is UTF-8 too
    assert from_wire(on_wire) == from_wire(name)


@settings(max_examples=60)
@given(st.text(alphabet="abPART./log/FtpUserwww.ini*", max_size=40), st.sampled_from(Role), st.sampled_from(Act))
def test_whoever_may_act_on_a_path_sees_it(path: str, role: Role, act: Act) -> None:
    assert allowed(role, Act.SEE, path) or not allowed(role, act, path)


def test_folders_of_the_inbox_have_a_depth() -> None:
    assert not is_too_deep("log/Ftp/1/2/3/4/5/6/7/8")
    assert is_too_deep("log/Ftp/1/2/3/4/5/6/7/8/9")


def test_the_inbox_and_its_unfinished_drops_are_known() -> None:
    assert in_inbox("log/Ftp/a.zip")
    assert not in_inbox("log/Ftp")
    assert not in_inbox("log/User/Ftp/a.zip")
    assert is_part("log/Ftp/a.zip.PART")
    assert not is_part("log/Ftp/a.part.zip")
