from __future__ import annotations

import ftplib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from engine.errors import DeliveryFailed, NameTaken
from engine.push import Session
from engine.settings import Server
from tests.fake.debian_servers import DebianServer, free_port, proftpd, vsftpd
from tests.fake.scripted_ftp import ScriptedFtp
from tests.fake.sending import send as send_drop

NAME = "1_00000007_linux.zip"
PART = NAME + ".part"
DATA = bytes(range(256)) * 300

HAS_IPV6 = Path("/proc/net/if_inet6").exists() and "00000000000000000000000000000001 " in Path(
    "/proc/net/if_inet6"
).read_text("ascii")

Real = Callable[[Path], AbstractContextManager[DebianServer]]


def server_at(port: int, **changes: object) -> Server:
    told: dict[str, object] = {
        "section": "server1", "enabled": True, "host": "127.0.0.1", "port": port, "user": "tsm",
        "password": "tsm-secret", "directory": "", "interval_s": 60, "variants": ("linux", "dos"), "passive": True,
        "tls": 0, "encoding": "utf-8", "timeout_s": 5.0,
    }  # fmt: skip
    return Server(**{**told, **changes})  # type: ignore[arg-type]


@contextmanager
def session_with(server: Server) -> Iterator[Session]:
    session = Session(server)
    try:
        session.open()
        yield session
    finally:
        session.close()


@contextmanager
def real_session(real: DebianServer, **changes: object) -> Iterator[Session]:
    with session_with(server_at(real.port, user=real.user, password=real.password, **changes)) as session:
        yield session


@pytest.fixture
def scripted() -> Iterator[ScriptedFtp]:
    with ScriptedFtp() as server:
        yield server


def failure(server: Server, work: Callable[[Session], object]) -> str:
    with pytest.raises(DeliveryFailed) as caught, session_with(server) as session:
        work(session)
    return str(caught.value)


def send(session: Session) -> None:
    send_drop(session, NAME, DATA)


# --- real servers


@pytest.mark.parametrize("real", [vsftpd, proftpd])
def test_a_drop_arrives_whole_under_its_final_name_in_a_new_nested_folder(real: Real, tmp_path: Path) -> None:
    with real(tmp_path) as server, real_session(server, directory="drops/котельная 1") as session:
        assert not session.exists(NAME)
        send(session)
        assert session.exists(NAME)
        folder = server.folder / "drops/котельная 1"
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == {NAME: DATA}


@pytest.mark.parametrize("real", [vsftpd, proftpd])
@pytest.mark.parametrize("passive", [True, False])
def test_it_comes_back_as_it_went_passive_and_active(real: Real, passive: bool, tmp_path: Path) -> None:
    with real(tmp_path) as server, real_session(server, passive=passive) as session:
        send(session)
        assert session.fetch(NAME, 1 << 20) == DATA
        assert session.fetch(NAME, 1000) == DATA[:1000]
        assert session.exists(NAME), "a transfer that was cut short leaves the session in order"


@pytest.mark.skipif(not HAS_IPV6, reason="no ::1 here")
@pytest.mark.parametrize("passive", [True, False])
def test_over_ipv6_the_data_come_by_epsv_and_eprt(
    passive: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    real_putline = ftplib.FTP.putline
    monkeypatch.setattr(ftplib.FTP, "putline", lambda wire, line: (said.append(line), real_putline(wire, line))[1])
    with vsftpd(tmp_path, host="::1") as server, real_session(server, host="::1", passive=passive) as session:
        send(session)
        assert session.fetch(NAME, 1 << 20) == DATA
        assert session.highest_seq(1) == 7
    words = {line.split()[0] for line in said}
    assert words & {"PASV", "PORT", "EPSV", "EPRT"} == {"EPSV" if passive else "EPRT"}


def test_over_ipv4_a_server_is_never_asked_for_what_it_may_not_know(scripted: ScriptedFtp) -> None:
    """EPSV and EPRT: some servers, and boxes on the way, stumble over them."""
    with session_with(server_at(scripted.port)) as session:
        send(session)
    assert [line for line in scripted.commands if line.startswith("E")] == []


@pytest.mark.parametrize("real", [vsftpd, proftpd])
def test_the_highest_seq_is_of_our_number_only_and_knows_drops_on_their_way(real: Real, tmp_path: Path) -> None:
    with real(tmp_path) as server, real_session(server, directory="in") as session:
        assert session.highest_seq(1) == 0
        for name in (NAME, "1_00000012_dos.zip.part", "2_00000099_linux.zip", "1_00000500_linux.txt", "заметка"):
            (server.folder / "in" / name).write_bytes(b"")
        assert session.highest_seq(1) == 12
        assert session.highest_seq(3) == 0


@pytest.mark.parametrize("real", [vsftpd, proftpd])
def test_a_stale_part_is_replaced_also_by_something_shorter(real: Real, tmp_path: Path) -> None:
    with real(tmp_path) as server, real_session(server) as session:
        (server.folder / PART).write_bytes(DATA + DATA)
        send(session)
        assert [path.name for path in server.folder.iterdir()] == [NAME]
        assert (server.folder / NAME).read_bytes() == DATA


@pytest.mark.parametrize("real", [vsftpd, proftpd])
def test_a_name_that_is_taken_is_never_overwritten(real: Real, tmp_path: Path) -> None:
    with real(tmp_path) as server, real_session(server) as session:
        (server.folder / NAME).write_bytes(b"of another")
        with pytest.raises(NameTaken):
            send(session)
        assert (server.folder / NAME).read_bytes() == b"of another"


def test_a_wrong_password_is_told_without_it(tmp_path: Path) -> None:
    with proftpd(tmp_path) as real:
        told = failure(server_at(real.port, user=real.user, password="пароль-not-this"), send)
    assert told.startswith("вход: отказ: 530")
    assert "not-this" not in told


def test_a_folder_that_may_not_be_made_is_told(tmp_path: Path) -> None:
    with vsftpd(tmp_path) as real:
        (real.folder / "file").write_bytes(b"")
        told = failure(server_at(real.port, user=real.user, directory="file/below"), send)
    assert told.startswith("папка: отказ: 550")


def test_a_server_that_was_stopped_and_started_takes_the_next_session(tmp_path: Path) -> None:
    with proftpd(tmp_path) as real:
        target = server_at(real.port, user=real.user, password=real.password)
        real.stop()
        assert failure(target, send) == "вход: сервер не принимает соединение"
        real.start()
        with session_with(target) as session:
            send(session)
        assert (real.folder / NAME).read_bytes() == DATA


# --- a server that misbehaves


def test_a_refused_login_is_told_and_never_repeats_the_password(scripted: ScriptedFtp) -> None:
    scripted.replies["PASS"] = "530 user tsm may not come in with tsm-secret"
    assert failure(server_at(scripted.port), send) == "вход: отказ: 530 user tsm may not come in with ***"


@pytest.mark.parametrize("command", ["USER", "PASS", "PWD", "CWD", "TYPE", "SIZE", "RNFR", "PASV", "STOR", "RNTO"])
def test_silence_after_any_command_ends_at_the_time_out(command: str, scripted: ScriptedFtp) -> None:
    scripted.silent.add(command)
    told = failure(server_at(scripted.port, timeout_s=0.2, directory="in"), send)
    assert told.endswith(": нет ответа 0.2 с")
    assert NAME not in scripted.files


@pytest.mark.parametrize("command", ["USER", "PASS", "PWD", "CWD", "TYPE", "SIZE", "RNFR", "PASV", "STOR", "RNTO"])
def test_a_server_that_hangs_up_after_any_command_is_told(command: str, scripted: ScriptedFtp) -> None:
    scripted.hang_up.add(command)
    assert failure(server_at(scripted.port, directory="in"), send).endswith(": соединение разорвано")
    assert NAME not in scripted.files


def test_no_greeting_ends_at_the_time_out(scripted: ScriptedFtp) -> None:
    scripted.greeting = b""
    assert failure(server_at(scripted.port, timeout_s=0.2), send) == "вход: нет ответа 0.2 с"


def test_an_answer_letter_by_letter_has_an_end_too() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ended = threading.Event()
        thread = threading.Thread(target=_drip, args=(listener, ended))
        thread.start()
        began_s = time.monotonic()
        told = failure(server_at(listener.getsockname()[1], timeout_s=0.3), send)
        ended.set()
        thread.join()
    assert told == "вход: нет ответа 0.3 с"
    assert time.monotonic() - began_s < 10


def _drip(listener: socket.socket, ended: threading.Event) -> None:
    connection, _ = listener.accept()
    with connection:
        while not ended.wait(0.05):
            try:
                connection.sendall(b"220-still here\r\n")
            except OSError:
                return


def test_an_endless_answer_is_given_up(scripted: ScriptedFtp) -> None:
    scripted.replies["PWD"] = "257-" + "more\r\n 257-" * 20000
    assert failure(server_at(scripted.port), send) == "вход: непонятный ответ сервера"


@pytest.mark.parametrize("answer", ["426 aborted", "451 disk error", "452 no room", "552 quota exceeded"])
def test_a_refusal_after_the_data_is_a_failure(answer: str, scripted: ScriptedFtp) -> None:
    scripted.after_data["STOR"] = answer
    assert failure(server_at(scripted.port), send) == f"передача: отказ: {answer}"
    assert NAME not in scripted.files


def test_a_data_connection_that_breaks_is_a_failure(scripted: ScriptedFtp) -> None:
    scripted.cut_after = 5000
    scripted.after_data["STOR"] = "426 broken"
    told = failure(server_at(scripted.port), lambda session: send_drop(session, NAME, DATA * 50))
    assert told in ("передача: соединение разорвано", "передача: отказ: 426 broken")
    assert NAME not in scripted.files


def test_a_size_that_differs_is_a_failure_whatever_the_server_said(scripted: ScriptedFtp) -> None:
    scripted.keep_only = 1000
    assert failure(server_at(scripted.port), send) == f"передача: на сервере 1000 байт из {len(DATA)}"
    assert NAME not in scripted.files


def test_a_server_without_size_gets_its_drop(scripted: ScriptedFtp) -> None:
    scripted.replies["SIZE"] = "502 what"
    with session_with(server_at(scripted.port)) as session:
        assert not session.exists(NAME)
        send(session)
        assert session.exists(NAME)
    assert scripted.files == {NAME: DATA}


def test_where_nothing_may_be_listed_or_read_names_are_known_all_the_same(scripted: ScriptedFtp) -> None:
    for command in ("SIZE", "NLST", "RETR"):
        scripted.replies[command] = "550 not enough privileges"
    with session_with(server_at(scripted.port)) as session:
        assert not session.exists(NAME)
        send(session)
        assert session.exists(NAME)
        assert session.fetch(NAME, 100) is None
        assert session.highest_seq(1) is None


def test_a_server_that_would_rename_anything_is_asked_for_its_list(scripted: ScriptedFtp) -> None:
    scripted.renames_anything = True
    with session_with(server_at(scripted.port)) as session:
        scripted.replies["SIZE"] = "550 not now"
        assert not session.exists(NAME)
        scripted.files[NAME] = DATA
        assert session.exists(NAME)


@pytest.mark.parametrize("answer", ["450 No files found", "550 No files found.", "226 nothing"])
def test_an_empty_folder_is_empty_however_the_server_says_it(answer: str, scripted: ScriptedFtp) -> None:
    if not answer.startswith("226"):
        scripted.replies["NLST"] = answer
    with session_with(server_at(scripted.port)) as session:
        assert session.highest_seq(1) == 0


def test_names_come_with_folders_before_them_and_in_any_encoding(scripted: ScriptedFtp) -> None:
    scripted.files = {"./in/1_00000031_dos.zip": b"", "in\\1_00000032_DOS.ZIP": b"", "ж\x00": b"", "x" * 20000: b""}
    with session_with(server_at(scripted.port, encoding="cp1251")) as session:
        assert session.highest_seq(1) == 32


def test_a_list_that_broke_off_is_not_believed(scripted: ScriptedFtp) -> None:
    scripted.files[NAME] = b""
    scripted.after_data["NLST"] = "426 broken"
    assert failure(server_at(scripted.port), lambda session: session.highest_seq(1)) == "список: отказ: 426 broken"


def test_a_stale_part_that_may_not_be_overwritten_is_deleted_first(scripted: ScriptedFtp) -> None:
    scripted.files[PART] = b"stale"
    scripted.overwrites = False
    with session_with(server_at(scripted.port)) as session:
        send(session)
    assert scripted.files == {NAME: DATA}


@pytest.mark.parametrize("renames_over", [True, False])
def test_a_name_taken_while_the_data_went_is_seen(renames_over: bool, scripted: ScriptedFtp) -> None:
    scripted.renames_over = renames_over

    def take(command: str, _argument: str) -> None:
        if command == "STOR":
            scripted.files[NAME] = b"of another"

    scripted.before = take
    with pytest.raises(NameTaken), session_with(server_at(scripted.port)) as session:
        send(session)
    assert scripted.files[NAME] == b"of another"


def test_what_got_the_name_and_is_not_ours_is_seen(scripted: ScriptedFtp) -> None:
    """Another board wrote its own drop over the `.part` just before the renaming."""

    def overwrite(command: str, argument: str) -> None:
        if command == "RNTO" and argument == NAME:
            scripted.files[PART] = b"of another"

    scripted.before = overwrite
    with pytest.raises(NameTaken), session_with(server_at(scripted.port)) as session:
        send(session)
    assert scripted.files == {NAME: b"of another"}


def test_equal_sizes_are_told_apart_by_what_is_read(scripted: ScriptedFtp) -> None:
    with session_with(server_at(scripted.port)) as session:
        send_drop(session, NAME, DATA[:1000])
        assert session.holds(NAME, DATA[:1000]) is True
        assert session.holds(NAME, DATA[:999] + b"?") is False
        assert session.holds(NAME, DATA[:1001]) is False
        scripted.replies["RETR"] = "550 not for you"
        assert session.holds(NAME, DATA[:1000]) is None


@pytest.mark.parametrize("real", [vsftpd, proftpd])
def test_a_long_drop_is_compared_by_its_end(real: Real, tmp_path: Path) -> None:
    long = DATA * 3
    with real(tmp_path) as server, real_session(server) as session:
        send_drop(session, NAME, long)
        assert session.holds(NAME, long) is True
        assert session.holds(NAME, long[:-1] + b"?") is False
        assert session.exists(NAME), "a transfer that was cut short leaves the session in order"


@pytest.mark.parametrize("answer", ["250 renamed", "299 odd"])
def test_a_server_that_lies_about_the_renaming_is_not_believed(answer: str, scripted: ScriptedFtp) -> None:
    scripted.replies["RNTO"] = answer
    assert failure(server_at(scripted.port), send).startswith("переименование: ")
    assert set(scripted.files) == {PART}


def test_a_drop_that_is_taken_away_at_once_has_arrived(scripted: ScriptedFtp) -> None:
    def take(command: str, _argument: str) -> None:
        scripted.files.pop(NAME, None) if command == "SIZE" else None

    scripted.before = take
    with session_with(server_at(scripted.port)) as session:
        send(session)
        assert session.holds(NAME, DATA) is None
    assert scripted.files == {}


def test_a_new_name_whose_part_is_there_is_another_s(scripted: ScriptedFtp) -> None:
    scripted.files[PART] = b"on its way"
    with pytest.raises(NameTaken), session_with(server_at(scripted.port)) as session:
        session.clear(NAME, is_new=True)
    assert scripted.files == {PART: b"on its way"}


def test_a_question_for_a_name_leaves_proftpd_in_order(tmp_path: Path) -> None:
    """Behind `RNFR` it refuses everything until the second half has come."""
    with proftpd(tmp_path) as server, real_session(server) as session:
        (server.folder / PART).write_bytes(b"on its way")
        with pytest.raises(NameTaken):
            session.clear(NAME, is_new=True)
        assert session.highest_seq(1) == 7
        assert (server.folder / PART).read_bytes() == b"on its way"


def test_a_refused_rename_is_told(scripted: ScriptedFtp) -> None:
    scripted.replies["RNTO"] = "553 not allowed"
    assert failure(server_at(scripted.port), send) == "переименование: отказ: 553 not allowed"


@pytest.mark.parametrize("answer", ["227 (127,0,0,1,999,999)", "227 nothing", "229 (|||x|)", "nonsense"])
def test_an_answer_without_sense_is_a_failure_and_no_crash(answer: str, scripted: ScriptedFtp) -> None:
    scripted.replies["PASV"] = answer
    assert failure(server_at(scripted.port), send).startswith("передача: ")


def test_a_size_without_sense_is_a_failure_and_no_crash(scripted: ScriptedFtp) -> None:
    scripted.replies["SIZE"] = "213 many"
    assert failure(server_at(scripted.port), send) == "передача: непонятный ответ сервера"


def test_a_banner_in_another_encoding_is_no_failure(scripted: ScriptedFtp) -> None:
    scripted.greeting = "220 Сервер УДС\r\n".encode("cp1251")
    with session_with(server_at(scripted.port)) as session:
        send(session)
    assert scripted.files == {NAME: DATA}


def test_a_folder_that_the_encoding_lacks_is_told(scripted: ScriptedFtp) -> None:
    told = failure(server_at(scripted.port, encoding="ascii", directory="сдача"), send)
    assert told == "папка: имя, пароль или папку нельзя записать в кодировке Encoding"


def test_folders_are_made_one_by_one_where_listings_make_no_sense(scripted: ScriptedFtp) -> None:
    made: set[str] = set()

    def enter(command: str, argument: str) -> None:
        if command == "MKD":
            made.add(argument.rstrip("/"))
        scripted.replies["MKD"] = "257 made" if argument.count("/") < 2 or argument.startswith("a") else "550 no"
        scripted.replies["CWD"] = "250 there" if argument in ("/", *made) else "550 no such folder"

    scripted.before = enter
    scripted.replies["LIST"] = "550 no"
    with session_with(server_at(scripted.port, directory="a/b")) as session:
        send(session)
    assert {"a", "a/b"} <= made


def test_a_server_that_does_not_exist_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert failure(server_at(free_port()), send) == "вход: сервер не принимает соединение"

    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert failure(server_at(21, host="no-such-host.invalid"), send) == "вход: имя сервера не найдено"


def test_tls_is_never_left_out_silently(scripted: ScriptedFtp) -> None:
    assert "Tls=2" in failure(server_at(scripted.port, tls=2), send)
    assert scripted.commands == ["AUTH TLS"]


def test_abort_from_another_thread_ends_what_waits(scripted: ScriptedFtp) -> None:
    reached = threading.Event()
    scripted.before = lambda command, _argument: reached.set() if command == "STOR" else None
    scripted.silent.add("STOR")
    session = Session(server_at(scripted.port, timeout_s=60))
    ended: list[str] = []
    thread = threading.Thread(target=lambda: ended.append(_failed_send(session)))
    thread.start()
    assert reached.wait(10)
    session.abort()
    thread.join(10)
    assert ended == ["передача: соединение разорвано"]


def _failed_send(session: Session) -> str:
    try:
        session.open()
        send(session)
    except DeliveryFailed as error:
        return str(error)
    finally:
        session.close()
    return ""


def test_abort_before_the_connection_ends_it_too(scripted: ScriptedFtp) -> None:
    session = Session(server_at(scripted.port, timeout_s=60))
    session.abort()
    assert _failed_send(session).startswith("вход: ")
    assert scripted.commands == []


def test_a_session_says_good_bye_and_leaves_nothing_open(scripted: ScriptedFtp) -> None:
    with session_with(server_at(scripted.port)) as session:
        send(session)
    assert scripted.commands[-1] == "QUIT"


def test_every_command_and_every_piece_of_data_is_a_step(scripted: ScriptedFtp) -> None:
    steps: list[int] = []
    session = Session(server_at(scripted.port), step=lambda: steps.append(len(steps)))
    try:
        session.open()
        opened = len(steps)
        session.store("1_00000001_linux.zip", b"x" * 100_000)
        assert opened >= 3
        assert len(steps) - opened >= 100_000 // 8192 + 3
    finally:
        session.close()
