"""What is laid into the system: units by systemd's own eyes, rules of udev by its own or by their form."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
SYSTEMD = PROJECT / "etc/systemd"
RULES = sorted((PROJECT / "etc/udev").glob("*.rules"))
EXPOSURE = {"tsm-smart.service": 2.4, "tsm-update.service": 6.5}
"""What `systemd-analyze security` counts at most, 0 to 10. The updater runs dpkg, which is root with all its rights."""

# udev(7). What is compared, what is set, and both.
MATCHED = {"ACTION", "SUBSYSTEM", "SUBSYSTEMS", "KERNEL", "KERNELS", "DRIVER", "DRIVERS", "TEST", "DEVPATH"}
SET = {"GROUP", "MODE", "OWNER", "SYMLINK", "RUN", "IMPORT", "NAME", "LABEL", "GOTO"}
EITHER = {"ENV", "ATTR", "ATTRS", "TAG"}
_TERM = re.compile(r'([A-Z]+)(?:\{[A-Za-z0-9_]+\})?(==|!=|=|\+=|-=|:=)"[^"]*"')

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is missing")


def verify(folder: Path, *units: str) -> str:
    """What systemd says against them; nothing where they are right."""
    command = ["systemd-analyze", "verify", "--man=no", *(str(folder / unit) for unit in units)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    # Other units of this machine are none of ours.
    own = [line for line in done.stderr.splitlines() if "tsm-" in line or str(folder) in line]
    return "\n".join(own)


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units as they are, but for the place of the program, which is not installed here."""
    for path in (*SYSTEMD.glob("*.service"), *SYSTEMD.glob("*.path")):
        text = path.read_text().replace("/opt/tsm-smart/current/venv/bin/python", sys.executable)
        (tmp_path / path.name.replace("@.", "@sda1.")).write_text(text)
    return tmp_path


@needs_systemd
def test_systemd_finds_nothing_wrong_with_any_unit(units: Path) -> None:
    names = [path.name for path in units.iterdir()]
    assert {"tsm-smart.service", "tsm-update.path", "tsm-update.service", "tsm-flash@sda1.service"} <= set(names)
    assert verify(units, *names) == ""


@needs_systemd
@pytest.mark.parametrize("name", ["clock.conf", "vpn.conf"])
def test_systemd_finds_nothing_wrong_with_a_drop_in(units: Path, name: str) -> None:
    folder = units / "tsm-smart.service.d"
    folder.mkdir()
    shutil.copy(SYSTEMD / "optional" / name, folder)
    assert verify(units, "tsm-smart.service") == ""


@needs_systemd
@pytest.mark.parametrize("mistake", ["WatchdogSecs=120", "ProtectSystem=strickt", "RestrictAddressFamilies=AF_INET7"])
def test_a_mistake_in_a_unit_would_be_seen(units: Path, mistake: str) -> None:
    unit = units / "tsm-smart.service"
    unit.write_text(unit.read_text().replace("[Service]\n", f"[Service]\n{mistake}\n"))
    assert "tsm-smart.service:" in verify(units, unit.name)


@needs_systemd
@pytest.mark.parametrize("name", EXPOSURE)
def test_a_service_is_no_more_exposed_than_it_has_to_be(units: Path, name: str) -> None:
    command = ["systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE[name] * 10:.0f}", "--no-pager"]
    done = subprocess.run([*command, str(units / name)], capture_output=True, text=True, timeout=60)
    if "unrecognized option" in done.stderr:
        pytest.skip("this systemd-analyze cannot look at a file")
    assert done.returncode == 0, done.stdout


def test_the_agent_can_open_ports_that_are_plugged_in_later_and_see_drives_that_are_mounted_later() -> None:
    """What looks like more safety here would shut them out; see the unit."""
    keys = re.findall(r"^([A-Za-z]+)=", (SYSTEMD / "tsm-smart.service").read_text(), re.MULTILINE)
    shut_out = {"DeviceAllow", "DevicePolicy", "PrivateDevices", "ProtectClock", "MountFlags", "PrivateMounts"}
    assert not shut_out & set(keys)


def test_the_rights_to_set_the_clock_and_the_net_are_not_on_by_themselves() -> None:
    text = (SYSTEMD / "tsm-smart.service").read_text()
    assert set(re.findall(r"^[^#\n]*\b(CAP_[A-Z_]+)", text, re.MULTILINE)) == {"CAP_NET_BIND_SERVICE"}
    assert "CAP_SYS_TIME" in (SYSTEMD / "optional/clock.conf").read_text()
    assert "CAP_NET_ADMIN" in (SYSTEMD / "optional/vpn.conf").read_text()


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.name)
def test_every_rule_of_udev_has_the_right_form(path: Path) -> None:
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line and not line.startswith("#"):
            assert list(_mistakes(line)) == [], f"{path.name}:{number}"


def test_a_mistake_in_a_rule_would_be_seen() -> None:
    for line in ('ACTION="add", GROUP="dialout"', 'KERNEL=="x" GROUP="y"', 'KERNLE=="x"', "MODE=0660", 'MODE=="0660"'):
        assert list(_mistakes(line)), line


def _mistakes(line: str) -> list[str]:
    found = []
    for term in line.split(", "):
        matched = _TERM.fullmatch(term)
        if matched is None:
            found.append(f"not a term: {term}")
        elif matched[1] not in MATCHED | SET | EITHER:
            found.append(f"no such key: {matched[1]}")
        elif (matched[1] in MATCHED and matched[2] not in ("==", "!=")) or (matched[1] in SET and "==" in matched[2]):
            found.append(f"{matched[1]} and {matched[2]} do not go together")
    return found


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.name)
def test_udev_itself_finds_nothing_wrong_with_a_rule(path: Path) -> None:
    if shutil.which("udevadm") is None or "verify" not in _help_of_udevadm():
        pytest.skip("udevadm of this machine has no verify: systemd 254 or newer is needed")
    command = ["udevadm", "verify", "--resolve-names=never", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr + done.stdout


def _help_of_udevadm() -> str:
    return subprocess.run(["udevadm", "--help"], capture_output=True, text=True, timeout=60).stdout
