"""VPN links: started from the checked copy, changed and stopped with their files, told; no process is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine import naming
from engine.runtime.vpn import LOOK_S, Vpn
from engine.vpn import arguments, copy, end_left_behind, left_behind
from tests.fake.agent_settings import settings_of
from tests.fake.certificates import authority, server_identity
from tests.fake.house import TestHouse
from tests.fake.leaks import nothing_left
from tests.fake.openvpn import fake_openvpn, find_openvpn, server

GOOD = "client\nremote 127.0.0.1 1194\n"
UP = "echo Initialization Sequence Completed; exec sleep 600"
PATIENCE_S = 30.0


class Scene:
    """The part on a root, its own clock of `now_s`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / naming.VPN
        self.folder.mkdir(parents=True, exist_ok=True)
        self.house = TestHouse(root)
        self.vpn = Vpn(self.house.house)
        self.now_s = 100.0
        self.vpn.apply(settings_of(enabled=True, password="own"), self.now_s)

    def put(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def turn(self, times: int = 1) -> list[str]:
        for _ in range(times):
            self.now_s += LOOK_S
            self.vpn.tick(self.now_s)
        return list(self.vpn.lines())

    def until(self, done: Callable[[str], bool]) -> str:
        """Turns until the state, all in one text, is as wanted."""
        deadline_s = time.monotonic() + PATIENCE_S
        while not done(text := "\n".join(self.turn())):
            assert time.monotonic() < deadline_s, text
            time.sleep(0.02)
        return text

    def pids(self, name: str = "client") -> list[int]:
        return list(left_behind(self.root, name))


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with nothing_left():
        scene = Scene(tmp_path / "root")
        yield scene
        scene.vpn.stop()
    assert scene.house.crashes == []


def test_what_openvpn_may_do_is_said_on_its_command_line() -> None:
    assert arguments("/x/openvpn", "/x/setpriv", Path("/r/var/vpn/client/openvpn.conf")) == [
        "/x/setpriv", "--pdeathsig", "TERM", "--", "/x/openvpn", "--cd", "/r/var/vpn/client",
        "--config", "/r/var/vpn/client/openvpn.conf", "--script-security", "0", "--verb", "3", "--auth-nocache",
        "--suppress-timestamps",
    ]  # fmt: skip
    assert arguments("/x/openvpn", None, Path("/r/c"))[0] == "/x/openvpn"


def test_without_files_nothing_is_told(scene: Scene) -> None:
    assert scene.turn(3) == []


def test_both_links_are_started_from_their_copies_and_stopped(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_openvpn(tmp_path / "bin", monkeypatch, UP)
    scene.put("client.ovpn", GOOD)
    scene.put("client1.ovpn", GOOD)
    text = scene.until(lambda text: text.count("установлено") == 2)
    assert text.splitlines()[0] == "client: соединение установлено 22.11.26 09:05:30"
    started = (tmp_path / "bin/arguments").read_text().splitlines()
    assert sorted(line.split()[3] for line in started) == [
        str(copy.config_of(scene.root, name)) for name in ("client", "client1")
    ]
    assert len(_children_of_bin(tmp_path)) == 2
    scene.vpn.stop()
    assert _children_of_bin(tmp_path) == []


def test_the_factory_password_of_the_ftp_server_lets_nothing_start(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_openvpn(tmp_path / "bin", monkeypatch, UP)
    scene.put("client.ovpn", GOOD)
    scene.until(lambda text: "установлено" in text)
    scene.vpn.apply(settings_of(enabled=True), scene.now_s)
    assert "пароль встроенного FTP заводской" in scene.turn()[0]
    scene.until(lambda _: scene.vpn.standings["client"].tunnel is None)
    scene.turn(5)
    assert _children_of_bin(tmp_path) == []
    scene.vpn.apply(settings_of(enabled=False), scene.now_s)
    scene.until(lambda text: "установлено" in text)


def test_a_changed_file_restarts_its_link_and_no_other_the_same_text_none(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_openvpn(tmp_path / "bin", monkeypatch, UP)
    scene.put("client.ovpn", GOOD)
    scene.put("client1.ovpn", GOOD)
    scene.until(lambda text: text.count("установлено") == 2)
    first, other = scene.vpn.standings["client"].tunnel, scene.vpn.standings["client1"].tunnel
    scene.put("client.ovpn", "# a comment\n" + GOOD)
    scene.turn(5)
    assert scene.vpn.standings["client"].tunnel is first
    scene.put("client.ovpn", GOOD + "nobind\n")
    scene.until(lambda _: scene.vpn.standings["client"].tunnel not in (first, None))
    text = scene.until(lambda text: text.count("установлено") == 2)
    assert "перезапусков" not in text and scene.vpn.standings["client1"].tunnel is other


def test_a_file_with_problems_leaves_the_link_as_it_is_also_after_a_restart(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_openvpn(tmp_path / "bin", monkeypatch, UP)
    scene.put("client.ovpn", GOOD)
    scene.until(lambda text: "установлено" in text)
    tunnel = scene.vpn.standings["client"].tunnel
    scene.put("client.ovpn", GOOD + "up /tmp/x\n")
    text = scene.until(lambda text: "log/VPN/client.ovpn:3: up" in text)
    assert "log/VPN/client.ovpn: действует прежний исправный файл" in text
    assert scene.vpn.standings["client"].tunnel is tunnel
    scene.vpn.stop()
    again = Scene(scene.root)
    again.until(lambda text: "установлено" in text and "client.ovpn:3" in text)
    again.vpn.stop()


def test_a_file_that_was_never_right_starts_nothing(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_openvpn(tmp_path / "bin", monkeypatch, UP)
    scene.put("client.ovpn", "up /tmp/x\n" + GOOD)
    assert scene.turn(4) == [
        "log/VPN/client.ovpn:1: up: запускает программу, строка не допускается", "log/VPN/client.ovpn: не запущен",
    ]  # fmt: skip
    assert not (tmp_path / "bin/arguments").exists()
    assert scene.house.journaled == scene.turn(4)


def test_a_copy_that_cannot_be_read_is_told_and_stops_nothing_else(scene: Scene) -> None:
    (scene.root / copy.COPIES).mkdir(parents=True)
    (scene.root / copy.COPIES / "client").write_text("a file where the folder should be")
    scene.put("client.ovpn", GOOD)
    told = ["var/vpn/client: на месте папки стоит файл", "log/VPN/client.ovpn: не запущен"]
    assert scene.turn(4) == told == scene.house.journaled


def test_a_named_file_that_comes_later_starts_the_link(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_openvpn(tmp_path / "bin", monkeypatch, UP)
    scene.put("client.ovpn", GOOD + "ca ca.crt\n")
    assert "log/VPN/ca.crt: файла нет" in scene.turn(3)[0]
    scene.put("ca.crt", "x")
    text = scene.until(lambda text: "установлено" in text)
    assert "файла нет" not in text


def test_a_file_that_is_taken_away_ends_its_link(scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_openvpn(tmp_path / "bin", monkeypatch, UP)
    scene.put("client.ovpn", GOOD)
    scene.until(lambda text: "установлено" in text)
    (scene.folder / "client.ovpn").unlink()
    scene.until(lambda text: text == "" and scene.vpn.standings["client"].tunnel is None)
    assert _children_of_bin(tmp_path) == [] and copy.stored(scene.root, "client") is None


def test_one_that_ends_by_itself_is_started_again_later_and_later_and_its_reason_told(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_openvpn(tmp_path / "bin", monkeypatch, "echo 'Cannot open TUN/TAP dev'; exit 1")
    scene.put("client.ovpn", GOOD)
    text = scene.until(lambda text: "завершился" in text)
    assert text == "client: openvpn завершился: Cannot open TUN/TAP dev; запускается снова"
    restarts = scene.vpn.standings["client"].restarts
    scene.until(lambda _: restarts.count == 4)
    assert restarts.due_at_s is not None and restarts.due_at_s - restarts.last_s == 4.0
    assert len(scene.house.journaled) == 1


def test_a_missing_program_is_told(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.runtime.vpn.find_program", lambda _name: None)
    scene.put("client.ovpn", GOOD)
    assert "нет программы openvpn" in scene.turn(3)[0]


def test_one_that_does_not_end_when_asked_is_killed(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_openvpn(tmp_path / "bin", monkeypatch, "trap '' TERM; echo Initialization Sequence Completed; "
                 "while :; do sleep 0.05; done")  # fmt: skip
    scene.put("client.ovpn", GOOD)
    scene.until(lambda text: "установлено" in text)
    (scene.folder / "client.ovpn").unlink()
    scene.until(lambda _: scene.vpn.standings["client"].tunnel is None)


def test_a_process_that_an_agent_left_behind_is_ended_at_the_next_start_and_no_other(scene: Scene) -> None:
    config = str(copy.config_of(scene.root, "client"))
    sleeper = [sys.executable, "-c", "import time; time.sleep(600)"]
    left = subprocess.Popen([*sleeper, "--config", config])
    other = subprocess.Popen([*sleeper, "--config", f"{config}2", config])
    try:
        deadline_s = time.monotonic() + PATIENCE_S
        while scene.pids() != [left.pid] and time.monotonic() < deadline_s:
            time.sleep(0.02)
        scene.turn()
        assert left.wait(20) == -signal.SIGKILL and other.poll() is None
        assert end_left_behind(scene.root, "client") == 0
    finally:
        for process in (left, other):
            process.kill()
            process.wait()


def test_an_agent_that_is_killed_leaves_no_openvpn_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel ends it with the agent, however the agent ends."""
    fake_openvpn(tmp_path / "bin", monkeypatch, UP)
    copy.store(tmp_path, "client", {copy.CONFIG: b""})
    script = (
        "import sys, time; from pathlib import Path; from engine.vpn import Tunnel\n"
        "Tunnel(Path(sys.argv[1]), 'client', sys.argv[2], print); print('started', flush=True); time.sleep(600)"
    )
    agent = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path), str(tmp_path / "bin/openvpn")],
        cwd=Path(__file__).parents[3], stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert agent.stdout is not None and agent.stdout.readline() == b"started\n"
        deadline_s = time.monotonic() + PATIENCE_S
        while not (tmp_path / "bin/arguments").exists() and time.monotonic() < deadline_s:
            time.sleep(0.02)
        agent.kill()
        while children := _children_of_bin(tmp_path):
            assert time.monotonic() < deadline_s, children
            time.sleep(0.02)
    finally:
        agent.kill()
        agent.wait()
        if agent.stdout is not None:
            agent.stdout.close()


def _children_of_bin(tmp_path: Path) -> list[int]:
    """Processes that were started from here and have not ended: they share the copy's folder on their command line."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            try:
                environment = (folder / "environ").read_bytes()
                state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
                name = (folder / "comm").read_text().strip()
            except OSError:
                continue
            if f"{tmp_path}/bin:".encode() in environment and state != "Z" and name in ("openvpn", "sleep"):
                found.append(int(folder.name))
    return found


# --- the real OpenVPN of Debian


def test_two_real_links_stand_at_once_and_a_server_that_goes_is_told(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    binary = find_openvpn(monkeypatch)
    issuer = authority(tmp_path / "pki")
    far, near = (server_identity(tmp_path / "pki", issuer, name=name) for name in ("far", "near"))
    for name, source in (("ca.crt", issuer.certificate), ("board.crt", near.certificate), ("board.key", near.key)):
        scene.put(name, source.read_text())
    with server(tmp_path / "one", issuer, far, binary) as one, server(tmp_path / "two", issuer, far, binary) as two:
        common = (
            "tls-client\ndev null\nnobind\nproto udp\nping 1\nping-restart 2\nconnect-retry 1\ntls-timeout 1\n"
            "data-ciphers AES-256-GCM\n"
        )
        files = "ca ca.crt\ncert board.crt\nkey board.key\n"
        scene.put("client.ovpn", f"{common}remote 127.0.0.1 {one}\n{files}")
        inline = f"<ca>\n{issuer.certificate.read_text()}</ca>\n<cert>\n{near.certificate.read_text()}</cert>\n"
        scene.put("client1.ovpn", f"{common}remote 127.0.0.1 {two}\n{inline}<key>\n{near.key.read_text()}</key>\n")
        scene.until(lambda text: text.count("установлено") == 2)
        assert len(scene.pids()) == len(scene.pids("client1")) == 1
    assert set(scene.house.journaled) == {f"VPN {name}: соединение установлено" for name in ("client", "client1")}
    scene.until(lambda text: "установлено" not in text)
    scene.vpn.stop()
    assert scene.pids() == scene.pids("client1") == []


@pytest.mark.skipif(not Path("/dev/net/tun").exists() or os.geteuid() != 0, reason="no /dev/net/tun, or no right to it")
def test_a_real_link_makes_its_interface_and_takes_it_away(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find_openvpn(monkeypatch)
    name = f"tun{os.getpid() % 100000}"
    scene.put("client.ovpn", f"tls-client\ndev {name}\nremote 127.0.0.1 9\nnobind\npeer-fingerprint {'AB:' * 31}AB\n"
              "cert c.pem\nkey k.pem\nifconfig 10.254.253.1 10.254.253.2\n")  # fmt: skip
    own = server_identity(tmp_path / "pki")
    scene.put("c.pem", own.certificate.read_text())
    scene.put("k.pem", own.key.read_text())
    interface = Path("/sys/class/net") / name
    scene.until(lambda _: interface.exists())
    scene.vpn.stop()
    assert not interface.exists()


def test_the_real_openvpn_takes_every_allowed_directive_as_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stops at the first line that it does not know: what comes last here is a file that is not there."""
    binary = find_openvpn(monkeypatch)
    text = (
        "client\ndev null\nproto udp\nremote vpn.example.ru 1194 udp\nresolv-retry infinite\nnobind\npersist-key\n"
        "persist-tun\nremote-cert-tls server\nverify-x509-name 'C=RU, O=Завод, CN=vpn' subject\nverb 3\nmute 20\n"
        "data-ciphers AES-256-GCM:AES-128-GCM\nauth SHA256\nkeepalive 10 60\nroute 10.0.0.0 255.0.0.0 vpn_gateway 5\n"
        "tls-version-min 1.2\ncompress\nexplicit-exit-notify 1\n"
        'setenv CLIENT_CERT 0\npull-filter ignore "redirect-gateway def1"\nreneg-sec 0\nuser nobody\ngroup nogroup\n'
        "<connection>\nremote 192.0.2.1 443 tcp-client\n</connection>\n<ca>\nnothing\n</ca>\n"
        "<cert>\nx\n</cert>\n<key>\nx\n</key>\n"
    )
    (tmp_path / naming.VPN).mkdir(parents=True)
    (tmp_path / naming.VPN / "client.ovpn").write_text(text)
    contents = copy.checked(tmp_path, "client")
    assert contents is not None
    copy.store(tmp_path, "client", contents)
    done = subprocess.run(
        arguments(binary, None, copy.config_of(tmp_path, "client")), capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 1 and "Options error" not in done.stdout, done.stdout
    assert "inline-" in done.stdout
