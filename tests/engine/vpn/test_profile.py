"""What a file from FTP may make OpenVPN do: only what stands in the allow-list, by whatever way it is written."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import SettingsWrong
from engine.settings import check_file
from engine.vpn.directives import ALLOWED, FILES, REFUSED
from engine.vpn.profile import LIMIT_BYTES, Profile, read_profile

PATH = "log/VPN/client.ovpn"
GOOD = """\
# a usual client
client
dev tun
proto udp
remote vpn.example.ru 1194 udp
resolv-retry infinite
nobind
persist-key
;persist-tun
ca ca.crt
cert ./board.crt # with a comment
key "board.key"
tls-auth ta.key 1
auth-user-pass password.txt
remote-cert-tls server
verify-x509-name 'C=RU, O=Завод, CN=vpn' subject
data-ciphers AES-256-GCM:AES-128-GCM
<tls-crypt>
-----BEGIN-----
up /bin/sh
</tls-crypt>
<connection>
remote 192.0.2.1 443 tcp-client
</connection>
"""

DANGEROUS = [
    "up /tmp/x", "down /tmp/x", "route-up /tmp/x", "route-pre-down x", "ipchange x", "tls-verify x", "iproute /tmp/ip",
    "auth-user-pass-verify x via-env", "client-connect x", "client-disconnect x", "learn-address x", "plugin x.so",
    "engine dynamic", "providers legacy", "pkcs11-providers /tmp/x.so", "script-security 2", "management 0.0.0.0 7505",
    "management-client", "config /etc/passwd", "cd /", "chroot /", "log /etc/cron.d/x", "log-append x", "status x 5",
    "writepid /tmp/x", "daemon", "syslog", "user root", "group root", "mode server", "server 10.0.0.0 255.0.0.0",
    "setenv opt up /tmp/x", "setenv PATH /tmp", "setenv-safe X y", "tmp-dir /tmp", "capath /tmp", "dev-node /dev/x",
    "replay-persist /tmp/x", "tls-export-cert /tmp", "client-config-dir /tmp", "ifconfig-pool-persist x", "echo x",
    "auth-retry interact", "static-challenge Code 1", "auth-user-pass", "askpass", "crl-verify crls dir",
    "http-proxy 192.0.2.1 3128 stdin", "dns-updown /tmp/x", "x509-track CN", "nice -20", "setcon x", "push x",
    "proto tcp-server", "dev ../x", "remote-cert-tls client", "--up /tmp/x", '"up" /tmp/x', "'up' /tmp/x", "u\\p x",
    "UP /tmp/x", "up\t/tmp/x", "\\up x", '"up" x', "ca /etc/passwd", "ca ../User/ftp.ini", "ca sub/ca.crt",
    "ca .hidden", "key C:\\\\key.pem", 'ca "ca crt"', "<up>", "<config>", "</ca>", "tls-auth ta.key up",
    "bind-dev eth0",
]  # fmt: skip


def problems(text: str) -> tuple[str, ...]:
    with pytest.raises(SettingsWrong) as refused:
        read_profile(PATH, text.encode())
    return tuple(map(str, refused.value.problems))


def test_a_usual_client_is_taken_and_written_anew() -> None:
    profile = read_profile(PATH, GOOD.encode())
    assert profile.text.splitlines() == [
        '"client"', '"dev" "tun"', '"proto" "udp"', '"remote" "vpn.example.ru" "1194" "udp"',
        '"resolv-retry" "infinite"', '"nobind"', '"persist-key"', '"ca" "file-ca.crt"', '"cert" "file-board.crt"',
        '"key" "file-board.key"', '"tls-auth" "file-ta.key" "1"', '"auth-user-pass" "file-password.txt"',
        '"remote-cert-tls" "server"', '"verify-x509-name" "C=RU, O=Завод, CN=vpn" "subject"',
        '"data-ciphers" "AES-256-GCM:AES-128-GCM"', '"tls-crypt" "inline-tls-crypt-0"', "<connection>",
        '"remote" "192.0.2.1" "443" "tcp-client"', "</connection>",
    ]  # fmt: skip
    assert list(profile.named) == ["ca.crt", "board.crt", "board.key", "ta.key", "password.txt"]
    assert profile.named["ta.key"].line == 13
    assert profile.inline == {"inline-tls-crypt-0": "-----BEGIN-----\nup /bin/sh\n"}


@pytest.mark.parametrize("line", DANGEROUS)
@pytest.mark.parametrize("frame", ["{}", "  {}  ", "<connection>\n{}\n</connection>", "{}\r"])
def test_a_line_that_could_do_more_than_connect_is_refused_with_its_place(line: str, frame: str) -> None:
    told = problems(f"client\nremote x.ru 1194\n{frame.format(line)}\n")
    number = 4 if "connection" in frame else 3
    assert told[0].startswith(f"{PATH}:{number}: ")


def test_why_it_is_refused_is_said() -> None:
    assert problems("remote x\nup x\nmanagement x 1\nlog x\nfrobnicate\nca\nca /x\n<ca>\nx\n") == (
        f"{PATH}:2: up: запускает программу, строка не допускается",
        f"{PATH}:3: management: открывает управление, строка не допускается",
        f"{PATH}:4: log: пишет или читает не в своей папке, строка не допускается",
        f"{PATH}:5: frobnicate: не из допускаемых, строка не допускается",
        f"{PATH}:6: ca: нет имени файла, а спросить некого",
        f"{PATH}:7: ca: файл должен лежать в log/VPN/, имя без папки и пробелов",
        f"{PATH}:8: <ca>: нет конца </ca>",
    )


def test_a_file_that_connects_nowhere_or_is_too_large_is_refused() -> None:
    assert problems("client\n") == (f"{PATH}: нет ни одной строки remote: соединяться не с кем",)
    assert problems("#" * (LIMIT_BYTES + 1)) == (f"{PATH}: файл больше 256 кБ",)
    assert problems(f"remote x\nverify-x509-name {'я' * 150}\n") == (
        f"{PATH}:2: verify-x509-name: строка слишком длинная",
    )


def test_an_upload_is_checked_before_it_takes_the_place_of_the_old_file() -> None:
    assert [str(each) for each in check_file("log/vpn/CLIENT1.ovpn", b"remote x\nup /tmp/x\n")] == [
        "log/vpn/CLIENT1.ovpn:2: up: запускает программу, строка не допускается"
    ]
    assert check_file(PATH, GOOD.encode()) == ()
    assert check_file("log/VPN/other.ovpn", b"up /tmp/x\n") == ()


def test_no_directive_stands_in_two_tables() -> None:
    assert not set(ALLOWED) & set(REFUSED) and not set(FILES) & set(REFUSED) and not set(ALLOWED) & set(FILES)


# --- whatever comes, only allowed words go out


WRITTEN = re.compile(r'"(?:[^"\\\n]|\\[\\"])*"(?: "(?:[^"\\\n]|\\[\\"])*")*|</?connection>')
MUTATION = st.sampled_from(
    [
        "",
        " ",
        "\t",
        "\n",
        "\r",
        "\0",
        '"',
        "'",
        "\\",
        "#",
        "--",
        "<ca>",
        "</ca>",
        "up x",
        "<connection>",
        "\x0b",
        "\u2028",
    ]
)


def only_allowed(profile: Profile) -> None:
    for line in profile.text.split("\n")[:-1]:
        assert WRITTEN.fullmatch(line), line
        name = line.strip("<>/").split('"')[1] if line.startswith('"') else "connection"
        assert name in ALLOWED or name in FILES or name == "connection"
        if name in FILES:
            assert re.match(rf'"{name}" "(?:file|inline)-[A-Za-z0-9_.+-]+"', line)
    assert all(re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*", name) for name in profile.named)


def taken(text: bytes) -> None:
    try:
        profile = read_profile(PATH, text)
    except SettingsWrong as wrong:
        assert wrong.problems
    else:
        only_allowed(profile)


@given(
    st.lists(
        st.tuples(st.sampled_from(DANGEROUS + GOOD.splitlines()), MUTATION, st.integers(0, 20), MUTATION), max_size=8
    )
)
def test_however_lines_are_spoilt_nothing_but_allowed_words_goes_out(parts: list[tuple[str, str, int, str]]) -> None:
    lines = [f"{before}{line[:at]}{inside}{line[at:]}" for line, before, at, inside in parts]
    taken("\n".join(["remote x", *lines]).encode())


@given(st.binary(max_size=300))
def test_whatever_bytes_come_nothing_but_allowed_words_goes_out(data: bytes) -> None:
    taken(b"remote x\n" + data)
