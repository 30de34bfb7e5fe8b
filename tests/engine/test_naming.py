"""Names: each is what the formats guide says, and what is read back is what was named."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import naming
from engine.model import RecType

STAMP = datetime(2018, 9, 26, 7)


def test_a_device_has_its_snapshot_archives_and_gaps_under_its_number() -> None:
    assert naming.snapshot_path("440020") == "log/User/txt/440020.txt"
    assert naming.archive_folder("440020") == "www/440020"
    assert naming.gaps_path("440020") == "www/440020/gaps.txt"
    assert naming.snapshot_path(naming.AGENT_NUMBER) == "log/User/txt/0.txt"


@pytest.mark.parametrize(
    ("rec_type", "path"),
    [
        (RecType.HOUR, "www/440020/H-2018-09.txt"),
        (RecType.DAY, "www/440020/D-2018.txt"),
        (RecType.MONTH, "www/440020/M.txt"),
        (RecType.EVENT, "www/440020/E-2018.txt"),
    ],
)
def test_a_record_goes_into_the_file_of_its_own_date(rec_type: RecType, path: str) -> None:
    assert naming.archive_path("440020", rec_type, STAMP) == path
    assert naming.archive_kind(path.rpartition("/")[2]) is rec_type


@pytest.mark.parametrize(
    "name",
    [
        "gaps.txt",
        "H-2018-13.txt",
        "H-2018-00.txt",
        "H-2018.txt",
        "D-2018-09.txt",
        "M-2018.txt",
        "D-2018.txt~",
        ".D-2018.txt",
        "D-2018.txt\n",
        "D-٢٠١٨.txt",
        "",
    ],
)
def test_a_file_of_another_name_is_no_archive(name: str) -> None:
    assert naming.archive_kind(name) is None


@pytest.mark.parametrize("number", ["", "../x", "a/b", "44 0020", "440020\n", "Ф1", "1" * 21, "."])
def test_a_number_that_cannot_name_files_is_refused(number: str) -> None:
    assert not naming.is_dev_number(number)
    for path in (naming.snapshot_path, naming.archive_folder, naming.gaps_path):
        with pytest.raises(ValueError, match="not a device number"):
            path(number)


def test_a_drop_is_named_by_number_seq_and_variant() -> None:
    assert naming.drop_name(1, 7, "linux") == "1_00000007_linux.zip"
    assert naming.drop_name(200, 123456789, "dos") == "200_123456789_dos.zip"


@given(st.integers(0, 10**9), st.integers(1, 10**10), st.sampled_from(naming.VARIANTS))
def test_the_name_of_a_drop_reads_back(number: int, seq: int, variant: str) -> None:
    assert naming.parse_drop_name(naming.drop_name(number, seq, variant)) == (number, seq, variant)


def test_a_server_that_changes_the_case_of_letters_still_shows_our_drops() -> None:
    assert naming.parse_drop_name("1_00000007_LINUX.ZIP") == (1, 7, "linux")


@pytest.mark.parametrize(
    "name",
    [
        "1_00000007_linux.zip.part",
        "1_0000007_linux.zip",
        "1_000000007_linux.zip",
        "01_00000007_linux.zip",
        "1_00000000_linux.zip",
        "1_00000007_mac.zip",
        "-1_00000007_dos.zip",
        "1_00000007_linux.zip\n",
        "1_0000000٧_linux.zip",
    ],
)
def test_another_name_is_no_drop(name: str) -> None:
    assert naming.parse_drop_name(name) is None


@pytest.mark.parametrize(("number", "seq", "variant"), [(-1, 1, "dos"), (1, 0, "dos"), (1, 1, "mac")])
def test_a_drop_that_cannot_be_is_not_named(number: int, seq: int, variant: str) -> None:
    with pytest.raises(ValueError, match="no such drop"):
        naming.drop_name(number, seq, variant)


def test_reports_are_named_by_the_days_that_they_cover() -> None:
    assert naming.report_folder(date(2020, 8, 28)) == "www/Otchety280820"
    assert naming.monthly_report_folder(date(2020, 8, 29)) == "www/Otchety0820m"
    name = naming.report_name(date(2020, 7, 27), date(2020, 8, 26), "2405", 1)
    assert name == "from27072020to26082020_2405s1.pdf"


@pytest.mark.parametrize(
    "path",
    [
        naming.AGENT_INI,
        naming.FTP_INI,
        naming.SSMTP_CONF,
        naming.REVALIASES,
        naming.LCD_INFO,
        "log/User/devices/котельная 1.ini",
        "log/User/templates/pump.ini",
        "LOG/user/Agent.INI",
        "log/user/DEVICES/a.INI",
    ],
)
def test_what_steers_the_agent_is_configuration(path: str) -> None:
    assert naming.is_config(path)


@pytest.mark.parametrize(
    "path",
    [
        "log/User/devices/a.ini.refused",
        "log/User/devices/.a.ini",
        "log/User/devices/old/a.ini",
        "log/User/devices/a.txt",
        "log/User/devices",
        naming.STATUS,
        "log/User/txt/440020.txt",
        "log/User/cmd/a.txt",
        "agent.ini",
        "",
    ],
)
def test_what_does_not_steer_the_agent_is_no_configuration(path: str) -> None:
    assert not naming.is_config(path)


def test_what_was_refused_stands_beside_and_is_no_configuration() -> None:
    assert naming.refused_path(naming.AGENT_INI) == "log/User/agent.ini.refused"
    assert not naming.is_config(naming.refused_path(naming.AGENT_INI))
