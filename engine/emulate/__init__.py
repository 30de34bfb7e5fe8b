"""Serves emulated meters on a pty or over TCP, as slow as a serial line or as fast as it goes.

The meters come from outside (`families`): this room only carries bytes and time. One thread a server,
which sleeps until bytes come or are due; `stop` ends it and closes everything it opened.
"""

from __future__ import annotations

import argparse
import os
import selectors
import signal
import socket
import sys
import threading
import time
import tty
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from datetime import datetime
from pathlib import Path
from typing import Protocol, Self

from engine.emulate.line import Line, Speaker

_IDLE_S = 60.0
_READ_BYTES = 4096
_STOP_S = 5.0


class Family(Protocol):
    """Emulated meters of one protocol; `build` raises ValueError, in Russian, for options that cannot be."""

    @property
    def models(self) -> tuple[str, ...]: ...

    @property
    def add_options(self) -> Callable[[argparse.ArgumentParser], None]: ...

    @property
    def build(self) -> Callable[[str, argparse.Namespace, datetime], Speaker]: ...


class _Server:
    """A line in a thread of its own, between `start` and `stop` or inside `with`.

    `place` is where a reader finds it. Hold `lock` to look at the meters or change them meanwhile.
    """

    def __init__(self, line: Line, place: str) -> None:
        self.place = place
        self.lock = threading.Lock()
        self._line = line
        self._stopping = False
        self._wake_read, self._wake_write = os.pipe()
        self._thread = threading.Thread(target=self._run, name=f"emulate {place}", daemon=True)

    def start(self) -> None:
        self._line.pass_time(time.monotonic())
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread and closes what was opened; a second call does nothing."""
        if self._stopping:
            return
        self._stopping = True
        os.write(self._wake_write, b".")
        if self._thread.ident is not None:
            self._thread.join(_STOP_S)
        self._close()
        os.close(self._wake_read)
        os.close(self._wake_write)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _run(self) -> None:
        with selectors.PollSelector() as selector:
            selector.register(self._wake_read, selectors.EVENT_READ)
            self._serve(selector)

    def _serve(self, selector: selectors.PollSelector) -> None:
        raise NotImplementedError

    def _close(self) -> None:
        raise NotImplementedError

    def _wait(self, selector: selectors.PollSelector, descriptor: int, until_s: float) -> bool:
        """Whether `descriptor` can be read; False when it is time, or time to stop."""
        ready = selector.select(max(0.0, until_s - time.monotonic()))
        return not self._stopping and any(key.fd == descriptor for key, _ in ready)

    def _talk(self, selector: selectors.PollSelector, descriptor: int) -> None:
        """Carries bytes until the reader has gone or the server stops."""
        due: deque[tuple[float, bytes]] = deque()
        with _registered(selector, descriptor):
            while not self._stopping:
                if self._wait(selector, descriptor, due[0][0] if due else time.monotonic() + _IDLE_S):
                    data = os.read(descriptor, _READ_BYTES)
                    if not data:
                        return
                    with self.lock:
                        due.extend(self._line.hear(data, time.monotonic()))
                elif not due:
                    self._let_time_pass()
                while due and due[0][0] <= time.monotonic():
                    _send(descriptor, due.popleft()[1])

    def _let_time_pass(self) -> None:
        with self.lock:
            self._line.pass_time(time.monotonic())


class _registered(AbstractContextManager[None]):
    """A descriptor in a selector for the length of a block."""

    def __init__(self, selector: selectors.PollSelector, descriptor: int) -> None:
        self._selector = selector
        self._descriptor = descriptor

    def __enter__(self) -> None:
        self._selector.register(self._descriptor, selectors.EVENT_READ)

    def __exit__(self, *_: object) -> None:
        self._selector.unregister(self._descriptor)


def _send(descriptor: int, data: bytes) -> None:
    """What nobody takes is lost, as on a wire."""
    with suppress(BlockingIOError):
        os.write(descriptor, data)


class PtyServer(_Server):
    """A line on a pseudo terminal. `link` is a symbolic link to it, replaced when it is one already.

    Our own end of the terminal stays open, so one reader may come after another. Raises OSError.
    """

    def __init__(self, line: Line, link: str = "") -> None:
        self._master, self._slave = os.openpty()
        self.device = os.ttyname(self._slave)
        self._link = Path(link) if link else None
        try:
            tty.setraw(self._slave)
            os.set_blocking(self._master, False)
            self._make_link()
        except OSError:
            self._close_terminal()
            raise
        super().__init__(line, link or self.device)

    def _make_link(self) -> None:
        if self._link is None:
            return
        if self._link.exists() and not self._link.is_symlink():
            raise FileExistsError(f"{self._link}: это не ссылка")
        beside = self._link.with_name(f".{self._link.name}.{os.getpid()}")
        beside.unlink(missing_ok=True)
        beside.symlink_to(self.device)
        beside.replace(self._link)

    def _serve(self, selector: selectors.PollSelector) -> None:
        self._talk(selector, self._master)

    def _close(self) -> None:
        if self._link is not None and self._link.is_symlink() and str(self._link.readlink()) == self.device:
            self._link.unlink()
        self._close_terminal()

    def _close_terminal(self) -> None:
        os.close(self._master)
        os.close(self._slave)


class TcpServer(_Server):
    """A line behind a transparent serial server: one client at a time, further ones wait. Raises OSError."""

    def __init__(self, line: Line, host: str = "127.0.0.1", port: int = 0) -> None:
        self._listening = socket.create_server((host, port))
        self._listening.setblocking(False)
        self.port: int = self._listening.getsockname()[1]
        super().__init__(line, f"{host}:{self.port}")

    def _serve(self, selector: selectors.PollSelector) -> None:
        while not self._stopping:
            with _registered(selector, self._listening.fileno()):
                called = self._wait(selector, self._listening.fileno(), time.monotonic() + _IDLE_S)
            if called:
                self._accept(selector)
            else:
                self._let_time_pass()

    def _accept(self, selector: selectors.PollSelector) -> None:
        with suppress(OSError):  # the reader has gone: the next one is welcome
            client, _ = self._listening.accept()
            with client:
                client.setblocking(False)
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._talk(selector, client.fileno())

    def _close(self) -> None:
        self._listening.close()


def main(arguments: Sequence[str], families: Sequence[Family]) -> int:
    """`agent.py emulate MODEL …`: one line on stdout says where; serves until SIGINT or SIGTERM.

    Returns the exit code; argparse leaves with SystemExit(2) for a wrong command line.
    """
    parser = _parser(families)
    options = parser.parse_args(arguments)
    try:
        speaker = options.family.build(options.model, options, options.clock or datetime.now().replace(microsecond=0))
    except ValueError as error:
        parser.error(str(error))
    try:
        server = _server(speaker, options)
    except OSError as error:
        print(f"эмулятор не запущен: {error}", file=sys.stderr)
        return 1
    _serve_until_signal(server)
    return 0


def _serve_until_signal(server: _Server) -> None:
    signals = {signal.SIGINT, signal.SIGTERM}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        with server:
            print(server.place, flush=True)
            signal.sigwait(signals)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _server(speaker: Speaker, options: argparse.Namespace) -> _Server:
    baud, turnaround_s = (0, 0.0) if options.unpaced else (options.baud, options.turnaround / 1000)
    line = Line(speaker, baud=baud, turnaround_s=turnaround_s, time_scale=options.time_scale)
    if options.tcp is None:
        return PtyServer(line, options.pty)
    host, port = options.tcp
    return TcpServer(line, host, port)


def _parser(families: Sequence[Family]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="agent.py emulate", description="прибор, которого нет: для проб и обучения")
    models = parser.add_subparsers(dest="model", required=True, metavar="ПРИБОР")
    for family in families:
        for model in family.models:
            one = models.add_parser(model)
            one.set_defaults(family=family)
            _add_line_options(one)
            family.add_options(one)
    return parser


def _add_line_options(parser: argparse.ArgumentParser) -> None:
    place = parser.add_mutually_exclusive_group(required=True)
    place.add_argument("--pty", nargs="?", const="", metavar="ССЫЛКА", help="псевдотерминал, со ссылкой на него")
    place.add_argument("--tcp", type=_address, metavar="АДРЕС:ПОРТ", help="порт TCP; 0 = любой свободный")
    add = parser.add_argument
    add("--baud", type=_positive, default=9600, metavar="N", help="скорость линии")
    add("--turnaround", type=_scale, default=5.0, metavar="МС", help="пауза перед ответом")
    add("--unpaced", action="store_true", help="без задержек линии")
    add("--time-scale", type=_scale, default=1.0, metavar="X", help="во сколько раз быстрее идут часы прибора")
    add("--clock", type=_clock, metavar="ВРЕМЯ", help="часы прибора при запуске, 2026-09-25T14:30")


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"{text}: нужно АДРЕС:ПОРТ")
    return host, int(port)


def _positive(text: str) -> int:
    if not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"{text}: нужно целое число больше нуля")
    return int(text)


def _scale(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1e6:
        raise argparse.ArgumentTypeError(f"{text}: нужно число от 0 до 1000000")
    return value


def _clock(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(microsecond=0, tzinfo=None)
