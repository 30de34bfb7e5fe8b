"""Updates by file, with real keys: only what the maker signed, for this machine and newer than what works, goes in."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.fake.update_site import UpdateSite

pytestmark = pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="dpkg-deb is missing: this is not Debian")

BAD_SIGNATURE = "не установлено: подпись не подходит: файл повреждён, обрезан или подписан чужим ключом\n"


@pytest.fixture
def site(tmp_path: Path) -> UpdateSite:
    return UpdateSite(tmp_path)


def left_in_inbox(site: UpdateSite) -> list[str]:
    return sorted(path.name for path in site.inbox.iterdir())


def refused(site: UpdateSite, data: bytes) -> str:
    """The reason, after making sure that nothing was installed and nothing is tried twice."""
    site.put(data)
    told = site.run()
    assert not site.installed.exists()
    assert left_in_inbox(site) == []
    assert list((site.place / "var/lib/tsm-update").iterdir()) == []
    return told.removeprefix("tsm-smart.update: ")


def test_what_the_maker_signed_is_installed_byte_by_byte_and_told(site: UpdateSite) -> None:
    package = site.package("1.0.2")
    site.put(site.signed(package))
    assert site.run() == "tsm-smart.update: установлена версия 1.0.2\n"
    assert site.installed.read_bytes() == package.read_bytes()
    assert left_in_inbox(site) == []


def test_a_package_without_a_signature_is_refused(site: UpdateSite) -> None:
    assert "без подписи" in refused(site, site.package("1.0.2").read_bytes())
    assert "без подписи" in refused(site, b"")


def test_a_package_signed_with_another_key_is_refused(site: UpdateSite) -> None:
    assert refused(site, site.signed(site.package("1.0.2"), key=site.new_key("stranger"))) == BAD_SIGNATURE


def test_one_byte_that_was_changed_anywhere_is_seen(site: UpdateSite) -> None:
    good = site.signed(site.package("1.0.2"))
    lines = good.split(b"\n", 4)
    starts = [sum(len(line) + 1 for line in lines[:number]) for number in range(5)]
    # The signature, the signed words, their signature, the package: its begin, middle and end. The first line is free.
    for place in (starts[1] + 20, starts[2] + 30, starts[3] + 20, starts[4], len(good) // 2, len(good) - 1):
        data = bytearray(good)
        data[place] ^= 1
        assert refused(site, bytes(data)) == BAD_SIGNATURE, place


def test_a_file_that_was_cut_is_refused_wherever_it_ends(site: UpdateSite) -> None:
    good = site.signed(site.package("1.0.2"))
    for length in (10, 150, 400, len(good) // 2, len(good) - 1):
        assert "не установлено: " in refused(site, good[:length]), length


def test_the_words_of_one_signature_do_not_serve_another_package(site: UpdateSite) -> None:
    """Signed words of a newer version over an older package."""
    newer, older = site.signed(site.package("1.0.3")), site.signed(site.package("1.0.0"))
    mixed = b"\n".join([*older.split(b"\n")[:2], *newer.split(b"\n", 4)[2:4], older.split(b"\n", 4)[4]])
    assert refused(site, mixed) == BAD_SIGNATURE


@pytest.mark.parametrize("words", ["tsm-smart 1.0.9 arm64", "tsm-smart 1.0.2 all", "tsm-smart", "", "* * *"])
def test_signed_words_that_do_not_fit_the_package_are_refused(site: UpdateSite, words: str) -> None:
    told = refused(site, site.signed_as(site.package("1.0.2"), words))
    assert told in (
        "не установлено: подпись и пакет говорят о разном\n",
        "не установлено: подписано не обновление ТСМ-смарт\n",
    )


def test_a_version_that_is_not_newer_is_refused(site: UpdateSite) -> None:
    assert refused(site, site.signed(site.package("1.0.1"))) == "не установлено: версия 1.0.1 уже работает\n"
    told = refused(site, site.signed(site.package("1.0.0")))
    assert told == "не установлено: версия 1.0.0 старее той, что работает: 1.0.1\n"


def test_versions_are_compared_as_numbers(site: UpdateSite) -> None:
    site.put(site.signed(site.package("1.0.10")))
    assert site.run().endswith("установлена версия 1.0.10\n")


def test_going_down_needs_the_makers_word_for_the_very_version_that_works(site: UpdateSite) -> None:
    package = site.package("1.0.0")
    refused(site, site.signed(package, "--downgrade-from", "1.0.2"))
    downgrade = site.signed(package, "--downgrade-from", "1.0.1")
    site.put(downgrade)
    assert site.run().endswith("установлена версия 1.0.0\n")
    site.put(site.signed(site.package("1.0.2")))
    assert site.run().endswith("установлена версия 1.0.2\n")
    site.put(downgrade)
    assert site.run().endswith("версия 1.0.0 старее той, что работает: 1.0.2\n")


def test_a_package_for_another_machine_or_of_another_name_is_refused(site: UpdateSite) -> None:
    told = refused(site, site.signed(site.package("1.0.2", architecture="amd64")))
    assert told == "не установлено: оно для amd64, а это arm64\n"
    assert "не обновление" in refused(site, site.signed(site.package("1.0.2", name="other")))


def test_a_package_that_does_not_install_is_told(site: UpdateSite) -> None:
    site.put(site.signed(site.package("9.9.9")))
    assert "версия 9.9.9 не установилась, работает 1.0.1" in site.run()


def test_without_a_key_nothing_is_touched(site: UpdateSite) -> None:
    site.pub.unlink()
    site.put(site.signed(site.package("1.0.2")))
    assert site.run() == ""
    assert left_in_inbox(site) == ["tsm-smart.update"]


def test_without_minisign_nothing_is_believed(site: UpdateSite) -> None:
    data = site.signed(site.package("1.0.2"))
    (site.base / "bin/minisign").write_text("#!/bin/sh\nexit 127\n")
    (site.base / "bin/minisign").chmod(0o755)
    assert refused(site, data) == BAD_SIGNATURE


def test_what_is_named_so_and_is_no_file_does_not_start_the_service_for_ever(site: UpdateSite) -> None:
    (site.inbox / "folder.update").mkdir()
    (site.inbox / "link.update").symlink_to("/etc/shadow")
    os.mkfifo(site.inbox / "pipe.update")
    (site.inbox / "обновление (1).update").touch()
    (site.inbox / "two\nlines.update").touch()
    (site.inbox / "-rf.update").touch()
    site.put(site.signed(site.package("1.0.2")))
    assert site.run().endswith("установлена версия 1.0.2\n")
    assert [name for name in left_in_inbox(site) if name.endswith(".update")] == []
    assert len(left_in_inbox(site)) == 6
