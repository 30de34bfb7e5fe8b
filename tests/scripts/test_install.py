"""`scripts/install` into a folder: first, over an older one, back, away; what does not start changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fake.installation import SMSD_AGENT, Installation

UNITS = {"tsm-flash@.service", "tsm-smart.service", "tsm-update.path", "tsm-update.service"}


@pytest.fixture
def machine(tmp_path: Path) -> Installation:
    return Installation(tmp_path)


def files_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir() or path.is_symlink()}


def test_the_program_its_units_and_rules_stand_where_the_system_looks_for_them(machine: Installation) -> None:
    machine.install()
    assert machine.installed() == "1.0.0"
    assert machine.installed("previous") == ""
    assert (machine.opt / "current").readlink() == Path("1.0.0")
    assert {path.name for path in (machine.place / "etc/systemd/system").iterdir() if path.is_file()} == UNITS
    assert files_below(machine.place / "etc/udev/rules.d") == {"70-tsm-flash.rules", "70-tsm-serial.rules"}
    assert files_below(machine.place / "etc/polkit-1/rules.d") == {"50-tsm-flash.rules"}
    assert machine.root.stat().st_mode & 0o777 == 0o750
    assert (machine.place / "usr/local/bin/tsm-smart").readlink() == Path("/opt/tsm-smart/current/scripts/tsm-smart")


def test_nobody_but_root_can_write_to_the_program(machine: Installation) -> None:
    machine.install()
    inside = [path for path in machine.opt.rglob("*") if not path.is_symlink()]
    assert [path for path in inside if path.stat().st_mode & 0o022] == []
    assert [path for path in inside if path.stat().st_mode & 0o004 == 0] == []


def test_what_is_not_of_the_program_is_not_carried_along(machine: Installation) -> None:
    """Settings and archives of somebody who tried it in the folder of the sources."""
    for path in ("log/User/ftp.ini", "var/lock", "www/1/M.txt", ".venv/x", "engine/__pycache__/old.pyc"):
        (machine.source / path).parent.mkdir(parents=True, exist_ok=True)
        (machine.source / path).write_text("secret")
    machine.install()
    assert not {"log", "var", "www", ".venv"} & {path.name for path in (machine.opt / "current").iterdir()}
    assert list((machine.opt / "current").rglob("old.pyc")) == []


def test_an_upgrade_keeps_what_the_user_and_the_agent_have_written_and_the_version_before(
    machine: Installation,
) -> None:
    machine.install()
    for path in ("log/User/ftp.ini", "var/good/a", "www/440020/M.txt"):
        (machine.root / path).parent.mkdir(parents=True, exist_ok=True)
        (machine.root / path).write_text(path)
    before = files_below(machine.root)
    for version in ("1.0.1", "1.0.2"):
        machine.release(version)
        machine.install()
    assert (machine.installed(), machine.installed("previous")) == ("1.0.2", "1.0.1")
    assert files_below(machine.root) == before
    assert {path.name for path in machine.opt.iterdir()} == {"current", "previous", "1.0.1", "1.0.2"}


def test_back_returns_to_the_version_before_with_its_units_and_once_more_forth(machine: Installation) -> None:
    machine.install()
    unit = machine.source / "etc/systemd/tsm-smart.service"
    old = unit.read_text()
    unit.write_text(old + "# new\n")
    machine.release("1.1.0")
    machine.install()
    installed = machine.place / "etc/systemd/system/tsm-smart.service"
    assert installed.read_text() == old + "# new\n"
    assert machine.run("--back", script=machine.installer()).returncode == 0
    assert (machine.installed(), machine.installed("previous")) == ("1.0.0", "1.1.0")
    assert installed.read_text() == old
    assert machine.run("--back", script=machine.installer()).returncode == 0
    assert (machine.installed(), machine.installed("previous")) == ("1.1.0", "1.0.0")


def test_without_a_version_before_there_is_no_way_back(machine: Installation) -> None:
    machine.install()
    done = machine.run("--back")
    assert done.returncode == 1
    assert "there is no version before" in done.stderr
    assert machine.installed() == "1.0.0"


def test_the_same_version_once_more_is_made_beside_the_one_that_runs(machine: Installation) -> None:
    for name in ("1.0.0", "1.0.0-again", "1.0.0"):
        machine.install()
        assert (machine.opt / "current").readlink() == Path(name)
        assert {path.name for path in machine.opt.iterdir()} == {"current", name}


def test_the_same_version_once_more_does_not_cost_the_way_back(machine: Installation) -> None:
    machine.install()
    machine.release("1.0.1")
    for _ in range(3):
        machine.install()
    assert (machine.installed(), machine.installed("previous")) == ("1.0.1", "1.0.0")
    assert len(list(machine.opt.iterdir())) == 4


@pytest.mark.parametrize("broken", ["agent", "packages"])
def test_a_version_that_does_not_start_or_lacks_its_packages_changes_nothing(
    machine: Installation, broken: str
) -> None:
    machine.install()
    before = files_below(machine.place)
    machine.release("1.0.1", starts=broken != "agent")
    if broken == "packages":
        Path(f"{machine.pip_log}.fails").touch()
    done = machine.run()
    assert done.returncode == 1
    assert machine.installed() == "1.0.0"
    assert {name for name in files_below(machine.place) if "/.new/" not in name} == before
    machine.release("1.0.2")
    Path(f"{machine.pip_log}.fails").unlink(missing_ok=True)
    machine.install()
    assert {path.name for path in machine.opt.iterdir()} == {"current", "previous", "1.0.0", "1.0.2"}


def test_packages_come_with_hashes_and_from_the_folder_of_wheels_where_there_is_one(machine: Installation) -> None:
    machine.install()
    assert "--require-hashes" in machine.pip_log.read_text()
    assert "--no-index" not in machine.pip_log.read_text()
    machine.pip_log.unlink()
    (machine.source / "wheels").mkdir()
    machine.install()
    wheels = machine.source / "wheels"
    assert f"--no-index --find-links {wheels} -r {wheels}/requirements.lock" in machine.pip_log.read_text()


def test_encryption_of_the_file_server_is_kept_by_upgrades(machine: Installation) -> None:
    machine.install("--tls")
    machine.pip_log.unlink()
    machine.release("1.0.1")
    machine.install()
    assert "requirements-tls.lock" in machine.pip_log.read_text()


def test_a_venv_of_another_python_is_made_anew_and_one_that_works_is_left_alone(machine: Installation) -> None:
    machine.install("--packaged")
    (machine.source / "wheels").mkdir()
    venv = machine.opt / "current/venv"
    (venv / "mark").touch()
    assert machine.run("--mend", script=machine.installer()).returncode == 0
    assert (venv / "mark").exists()
    (venv / "bin/python").write_text("#!/bin/sh\nexit 1\n")
    assert machine.run("--mend", script=machine.installer()).returncode == 0
    assert not (venv / "mark").exists()
    assert machine.run("--mend", script=machine.installer()).returncode == 0


def test_uninstall_leaves_settings_and_archives_and_purge_nothing(machine: Installation) -> None:
    machine.place.mkdir()
    other = machine.place / "etc/systemd/system/other.service"
    other.parent.mkdir(parents=True)
    other.touch()
    machine.install()
    (machine.root / "log").mkdir()
    assert machine.run("--uninstall", script=machine.installer()).returncode == 0
    assert files_below(machine.place) == {"etc/systemd/system/other.service"}
    assert (machine.root / "log").is_dir()
    machine.install()
    assert machine.run("--uninstall", "--purge").returncode == 0
    assert not machine.root.exists()


def test_smsd_gets_the_modem_of_the_settings_and_keeps_what_it_had_beside(machine: Installation) -> None:
    for path in ("usr/sbin/smsd", "etc/smsd.conf"):
        (machine.place / path).parent.mkdir(parents=True, exist_ok=True)
        (machine.place / path).write_text("the distribution's\n")
    (machine.place / "usr/sbin/smsd").chmod(0o755)
    (machine.source / "agent.py").write_text(SMSD_AGENT)
    machine.install()
    machine.install()
    assert (machine.place / "etc/smsd.conf").read_text() == "# Written for ТСМ-смарт\n"
    assert (machine.place / "etc/smsd.conf.before-tsm-smart").read_text() == "the distribution's\n"


def test_an_unknown_word_installs_nothing(machine: Installation) -> None:
    assert machine.run("--bcak").returncode == 1
    assert not machine.opt.exists()
