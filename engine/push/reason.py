"""Why a server did not take a drop: what ftplib, ftputil and the system raise, in the words of `status.txt`."""

from __future__ import annotations

import ftplib
import socket
import ssl
from collections.abc import Callable

from engine.settings import Server

REASON_LIMIT = 160


def reason(error: BaseException, server: Server) -> str:
    """Why it failed, in Russian, on one line, without a secret."""
    cause = cause_of(error)
    for kinds, words in _REASONS:
        if isinstance(cause, kinds):
            return words(cause, server)
    return f"ошибка связи ({type(cause).__name__})"


def cause_of(error: BaseException) -> BaseException:
    """What ftputil wrapped."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def _refused(error: BaseException, server: Server) -> str:
    told = str(error)
    if server.password:
        told = told.replace(server.password, "***")
    return f"отказ: {''.join(filter(str.isprintable, ' '.join(told.split())))[:REASON_LIMIT]}"


def _fixed(words: str) -> Callable[[BaseException, Server], str]:
    return lambda _error, _server: words


def _silent(_error: BaseException, server: Server) -> str:
    return f"нет ответа {server.timeout_s:g} с"


def _untrusted(error: BaseException, server: Server) -> str:
    """The codes are OpenSSL's `X509_V_ERR_…`."""
    code = getattr(error, "verify_code", 0)
    if code in (62, 63, 64):
        return f"сертификат сервера выписан не на {server.host}"
    return f"сертификату сервера нельзя верить: {_CERTIFICATE.get(code) or getattr(error, 'verify_message', '')}"


def _unencrypted(error: BaseException, _server: Server) -> str:
    return f"шифрование не удалось ({getattr(error, 'reason', None) or type(error).__name__})"


_ADVICE = "положите его в log/User/ca.pem"
_CERTIFICATE = {
    9: "он ещё не действует (или часы агента отстали)",
    10: "его срок истёк (или часы агента спешат)",
    18: f"он самоподписанный; если это ваш сервер, {_ADVICE}",
    19: f"он выдан своим центром; если это ваш центр, {_ADVICE}",
    20: f"его выдал неизвестный центр; если это ваш центр, {_ADVICE}",
    21: f"его выдал неизвестный центр; если это ваш центр, {_ADVICE}",
    23: "он отозван",
}

_REASONS: tuple[tuple[tuple[type[BaseException], ...], Callable[[BaseException, Server], str]], ...] = (
    ((ftplib.error_perm, ftplib.error_temp), _refused),
    ((ftplib.Error,), _fixed("непонятный ответ сервера")),
    ((TimeoutError,), _silent),
    ((ssl.SSLCertVerificationError,), _untrusted),
    ((ssl.SSLEOFError, ssl.SSLZeroReturnError), _fixed("соединение разорвано")),
    ((ssl.SSLError,), _unencrypted),
    ((socket.gaierror,), _fixed("имя сервера не найдено")),
    ((ConnectionRefusedError,), _fixed("сервер не принимает соединение")),
    ((EOFError, ConnectionError), _fixed("соединение разорвано")),
    ((UnicodeError,), _fixed("имя, пароль или папку нельзя записать в кодировке Encoding")),
    ((ValueError, OverflowError), _fixed("непонятный ответ сервера")),
    ((OSError,), _fixed("нет связи с сервером")),
)
