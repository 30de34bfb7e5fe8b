"""What the system answers is told in the user's words, also where a port, a name or encryption is the trouble."""

from __future__ import annotations

import errno
import os
import re
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.reasons import why


def error_of(act: Callable[[], object]) -> OSError:
    """What the system really raises."""
    with pytest.raises(OSError) as caught:
        act()
    return caught.value


def take_a_port_twice() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        socket.create_server(taken.getsockname())


def be_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        address = closed.getsockname()
    socket.create_connection(address, timeout=5)


def write_into_nothing() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        os.write(writing, b"x")
    finally:
        os.close(writing)


def talk_to_somebody_else() -> None:
    incoming = ssl.MemoryBIO()
    incoming.write(b"220 ready\r\n")
    ssl.create_default_context().wrap_bio(incoming, ssl.MemoryBIO(), server_hostname="x").do_handshake()


@pytest.mark.parametrize(
    ("act", "told"),
    [
        (take_a_port_twice, "порт занят другой программой"),
        (lambda: socket.create_server(("192.0.2.1", 0)), "такого адреса у этого устройства нет"),
        (be_refused, "другая сторона не принимает соединение"),
        (write_into_nothing, "соединение разорвано"),
        (lambda: socket.getaddrinfo("no number", 1, flags=socket.AI_NUMERICHOST), "имя не найдено"),
        (talk_to_somebody_else, "шифрование не удалось"),
        (lambda: Path("/dev/null/x").read_bytes(), "на месте папки стоит файл"),
        (lambda: Path("x" * 300).read_bytes(), "имя слишком длинное"),
    ],
)  # fmt: skip
def test_what_the_system_raises_is_told(act: Callable[[], object], told: str) -> None:
    assert why(error_of(act)) == told


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (TimeoutError("timed out"), "нет ответа"),
        (TimeoutError(errno.ETIMEDOUT, "x"), "нет ответа"),
        (ssl.SSLCertVerificationError(1, "x"), "сертификату другой стороны нельзя верить"),
        (ssl.SSLEOFError(8, "x"), "шифрование не удалось"),
        (socket.gaierror(socket.EAI_AGAIN, "x"), "имя сейчас не найти: нет ответа от службы имён (DNS)"),
        (OSError(errno.EOWNERDEAD, "x"), "ошибка EOWNERDEAD"),
        (OSError(4096, "x"), "ошибка 4096"),
        (OSError("x"), "ошибка OSError"),
    ],
)
def test_what_has_no_number_of_its_own_or_an_odd_one_is_told(error: OSError, told: str) -> None:
    assert why(error) == told


NETWORK = [name for name in dir(errno) if re.fullmatch(r"E(ADDR|NET|HOST|CONN)[A-Z]+", name)]
LOOKUP = ("EAI_NONAME", "EAI_AGAIN", "EAI_FAIL", "EAI_NODATA", "EAI_FAMILY", "EAI_ADDRFAMILY", "EAI_MEMORY")


@pytest.mark.parametrize("code", [getattr(errno, name) for name in NETWORK] + [getattr(socket, n) for n in LOOKUP])
def test_every_trouble_with_a_network_is_told_in_russian_without_a_path(code: int) -> None:
    error = socket.gaierror(code, "secret") if code < 0 else OSError(code, "secret", "/secret/path")
    assert re.fullmatch(r"[а-яё][а-яё :,()DNS]+[а-яё)]", why(error)), why(error)
