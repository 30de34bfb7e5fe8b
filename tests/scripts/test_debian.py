"""The package on a clean Debian that boots: no network, its own systemd, the sandbox of the unit in force. `--long`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.version import VERSION
from tests.fake.debian_machine import Machine, debian_machine
from tests.fake.debian_servers import debian_environment

PROJECT = Path(__file__).parents[2]
DIST = PROJECT / ".debian/dist"
NEWER, BROKEN = "99.0.1", "99.0.2"
BREAK = ("def _run(options: argparse.Namespace) -> int:\n", "    return 1\n")
CURRENT = "readlink /opt/tsm-smart/current"
STATUS = "/var/lib/tsm-smart/log/User/status.txt"
MAIN_PID = "$(systemctl show -p MainPID --value tsm-smart)"


@pytest.fixture(scope="module")
def packages(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, a newer one, a broken one, updates of both, the key, and the sources with their wheels."""
    if not pytestconfig.option.long:
        pytest.skip("with --long")
    if os.getuid() or not shutil.which("dpkg-deb"):
        pytest.skip("root and dpkg-deb are needed")
    subprocess.run([str(PROJECT / "scripts/package"), "--into", str(DIST)], check=True, timeout=600)
    folder = tmp_path_factory.mktemp("packages")
    first = next(DIST.glob(f"tsm-smart_{VERSION}_*.deb"))
    shutil.copy(first, folder / "first.deb")
    tree = folder / "tree"
    subprocess.run(["dpkg-deb", "-R", str(first), str(tree)], check=True)
    shutil.copytree(tree / "usr/lib/tsm-smart", folder / "sources")
    sign("--new-key", str(folder / "keys"))
    for version in (NEWER, BROKEN):
        put_version(tree, version)
        package = folder / f"{version}.deb"
        subprocess.run(["dpkg-deb", "--root-owner-group", "-Znone", "-b", str(tree), str(package)], check=True)
        sign("--key", str(folder / "keys/update.key"), str(package))
    shutil.rmtree(tree)
    return folder


def sign(*words: str) -> None:
    minisign, environment = debian_environment("minisign")
    environment |= {"PATH": f"{minisign}/usr/bin:{os.environ['PATH']}", "MINISIGN_OPTIONS": "-W"}
    subprocess.run([str(PROJECT / "scripts/sign-update"), *words], check=True, env=environment, timeout=60)


def put_version(tree: Path, version: str) -> None:
    control, program = tree / "DEBIAN/control", tree / "usr/lib/tsm-smart"
    before = control.read_text().partition("\nVersion: ")[2].partition("\n")[0]
    control.write_text(control.read_text().replace(f"\nVersion: {before}\n", f"\nVersion: {version}\n"))
    (program / "engine/version.py").write_text(f'"""Version."""\n\nVERSION = "{version}"\n')
    if version == BROKEN:
        agent = (program / "agent.py").read_text()
        assert BREAK[0] in agent
        (program / "agent.py").write_text(agent.replace(BREAK[0], "".join(BREAK)))


@pytest.fixture
def machine(packages: Path, tmp_path: Path) -> Iterator[Machine]:
    with debian_machine({"/mnt/packages": packages}, tmp_path / "boot.log") as made:
        yield made


def test_the_package_installs_offline_runs_in_its_sandbox_and_goes(machine: Machine) -> None:
    machine.tell("dpkg -i /mnt/packages/first.deb")
    machine.tell("systemctl is-active tsm-smart && systemctl is-enabled tsm-smart")
    machine.wait_for(f"grep -q 'работает, порт 21' {STATUS}")
    assert f"версия {VERSION}" in machine.tell(f"cat {STATUS}")
    # Only root can read what it holds and may do, and it is the user's who runs it.
    assert machine.tell(f"stat -c %U /proc/{MAIN_PID} /var/lib/tsm-smart/log").split() == ["tsm", "tsm"]
    facts = machine.tell(f"grep -E 'CapBnd|CapEff|NoNewPrivs|Seccomp:' /proc/{MAIN_PID}/status").split()
    assert facts == ["CapEff:", "0000000000000400", "CapBnd:", "0000000000000400", "NoNewPrivs:", "1", "Seccomp:", "2"]
    machine.tell("tsm-smart check && tsm-smart --version")
    machine.tell("systemctl stop tsm-smart && tsm-smart once && systemctl start tsm-smart")
    machine.tell("dpkg -r tsm-smart && test -d /var/lib/tsm-smart/log && test ! -e /opt/tsm-smart")
    assert machine.run("systemctl is-active tsm-smart").stdout.strip() == "inactive"
    machine.tell("dpkg -P tsm-smart && test ! -e /var/lib/tsm-smart && ! getent passwd tsm")
    left = machine.tell("find /etc /opt /usr /var/lib -xdev -name '*tsm*' -not -path '/var/lib/dpkg/*'")
    assert left == ""


def test_a_drive_that_is_mounted_later_can_be_written_to_and_nothing_else(machine: Machine) -> None:
    machine.tell("dpkg -i /mnt/packages/first.deb")
    machine.tell("mkdir -p /media/tsm-sda1 && mount -t tmpfs none /media/tsm-sda1")
    inside = f"nsenter -t {MAIN_PID} -m --"
    machine.tell(f"{inside} touch /media/tsm-sda1/archive && test -e /media/tsm-sda1/archive")
    for path in ("/etc/x", "/usr/x", "/opt/tsm-smart/current/x"):
        assert machine.run(f"{inside} touch {path}").returncode, path
    machine.tell(f"umount /media/tsm-sda1 && ! grep /media/tsm /proc/{MAIN_PID}/mountinfo")


def test_a_version_that_does_not_come_up_gives_way_to_the_one_before(machine: Machine) -> None:
    machine.tell("dpkg -i /mnt/packages/first.deb")
    machine.tell("echo mine >/var/lib/tsm-smart/www/mine.txt")
    machine.tell(f"dpkg -i /mnt/packages/{NEWER}.deb")
    assert machine.tell(CURRENT) == NEWER
    assert machine.run(f"dpkg -i /mnt/packages/{BROKEN}.deb").returncode
    assert machine.tell(CURRENT) == NEWER
    machine.tell("systemctl is-active tsm-smart")
    machine.tell("/opt/tsm-smart/current/scripts/install --back")
    assert machine.tell(CURRENT) == VERSION
    machine.tell("systemctl is-active tsm-smart && grep mine /var/lib/tsm-smart/www/mine.txt")


def test_a_signed_file_in_the_inbox_updates_the_board_and_a_broken_one_does_not(machine: Machine) -> None:
    machine.tell("dpkg -i /mnt/packages/first.deb")
    put = "cd /var/lib/tsm-smart/log/Ftp && cp /mnt/packages/{}.update .x && chown tsm: .x && mv .x a.update"
    machine.tell(put.format(NEWER))
    machine.tell("mkdir -p /etc/tsm-smart && cp /mnt/packages/keys/update.pub /etc/tsm-smart")
    assert machine.tell(CURRENT) == VERSION
    machine.tell("systemctl start tsm-update.path")
    machine.wait_for(f"grep -q 'a.update: установлена версия {NEWER}' {STATUS}")
    assert machine.tell(CURRENT) == NEWER
    machine.tell(put.format(BROKEN))
    machine.wait_for(f"grep -q 'версия {BROKEN} не установилась, работает {NEWER}' {STATUS}")
    assert machine.tell(CURRENT) == NEWER
    machine.tell("systemctl is-active tsm-smart tsm-update.path")


def test_another_python_of_the_system_is_no_reason_to_stand_still(machine: Machine) -> None:
    machine.tell("dpkg -i /mnt/packages/first.deb")
    machine.tell("cd /opt/tsm-smart/current/venv/lib && mv python3.11 python3.10 && systemctl restart tsm-smart")
    machine.tell("systemctl is-active tsm-smart && test -d /opt/tsm-smart/current/venv/lib/python3.11")


def test_the_sources_install_the_same_without_a_package(machine: Machine) -> None:
    machine.tell("cp -R /mnt/packages/sources /root/sources && /root/sources/scripts/install")
    machine.tell("systemctl is-active tsm-smart && tsm-smart check")
    machine.tell(f"sed -i 's/{VERSION}/{NEWER}/' /root/sources/engine/version.py && /root/sources/scripts/install")
    assert machine.tell(CURRENT) == NEWER
    machine.tell("rm -rf /root/sources && /opt/tsm-smart/current/scripts/install --back")
    assert machine.tell("tsm-smart --version") == VERSION
    machine.tell("/opt/tsm-smart/current/scripts/install --uninstall --purge && test ! -e /var/lib/tsm-smart")


@pytest.mark.usefixtures("packages")
def test_the_wheel_is_a_whole_agent_in_a_venv_of_its_own(tmp_path: Path) -> None:
    wheels = next(path for path in DIST.glob("wheels-*") if path.is_dir())
    wheel = next(DIST.glob(f"tsm_smart-{VERSION}-*.whl"))
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    pip = [str(tmp_path / "venv/bin/python"), "-m", "pip", "install", "-q", "--no-index", "--find-links", str(wheels)]
    subprocess.run([*pip, str(wheel)], check=True, timeout=300)
    place = tmp_path / "place"
    place.mkdir()
    for words in (["--version"], ["once"], ["check"]):
        subprocess.run([str(tmp_path / "venv/bin/tsm-smart"), *words], cwd=place, check=True, timeout=60)
    assert (place / "log/User/agent.ini").exists()
