"""Autoconfiguration (#38, #39, #82, #83, #176): the map of USB ports, and a proposed file for every device that is met.

Only free lines are searched, all of them at once. What a user wrote is neither changed nor repeated, so a second run
adds nothing. `Autoconfig` may be used by a process of its own as well as by the agent that runs.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

from engine import files, naming
from engine.dialect.kinds import tty_port
from engine.dialogue import Driver
from engine.due import clock_is_plausible
from engine.errors import Problem
from engine.formats import usb_rules
from engine.formats.usb_rules import Adapter
from engine.line.link import Link, SerialLink
from engine.ports import Places, Port, comports, describe, find_ports
from engine.reasons import why
from engine.runtime.known_lines import MODEM, Known, read_known
from engine.runtime.line_search import Ended, LineNews, LineSearch, Looking, Met, Told
from engine.runtime.root_lock import RootLock
from engine.search import Waits, questions_of
from engine.search.proposal import Found, device_text, file_names, named_by
from engine.settings import check_file

LIMIT_S = 600.0
"""A search never takes longer (#83)."""
LOCK = "autoconfig.lock"
STOP_TIMEOUT_S = 15.0
TICK_S = 0.2
_RULES_LIMIT = 65536

Tracer = Callable[[str], Callable[[str], None] | None]


class Listener(Protocol):
    """Who is told how it goes, by the thread that runs the search."""

    def tell(self, text: str) -> None: ...

    def look(self, line: str, place: str) -> None: ...

    def end(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Outside:
    """What the search needs of the world; a test gives its own."""

    places: Places = field(default_factory=Places)
    listed: Callable[[], Iterable[str]] = comports
    link_of: Callable[[str], Link] = SerialLink
    waits: Waits = field(default_factory=Waits)
    limit_s: float = LIMIT_S
    now: Callable[[], datetime] = lambda: datetime.now().astimezone()


@dataclass(frozen=True, slots=True)
class _Crashed:
    traceback: str


class Autoconfig:
    """One search. `run` lasts until all lines are known, the time is over, or `stop`."""

    def __init__(
        self,
        root: Path,
        drivers: Iterable[Driver],
        tracer: Tracer,
        listener: Listener,
        outside: Outside | None = None,
    ) -> None:
        self._root = root
        self._questions = questions_of(drivers)
        self._tracer = tracer
        self._listener = listener
        self._outside = outside or Outside()
        self._news: queue.Queue[LineNews | _Crashed] = queue.Queue()
        self._stopping = False
        self._failed = False
        self._met = 0
        self._written = 0

    def run(self, ports: Sequence[str] = ()) -> bool:
        """Search these ports, or with none given all that there are; whether nothing was left out.

        Raises RootTaken when another search is going on, ValueError when a port is none.
        """
        paths = [_port_path(port) for port in ports]
        lock = RootLock(self._root, LOCK)
        lock.take()
        try:
            self._search(self._free(paths))
        finally:
            self._listener.end()
            lock.release()
        self._tell(f"автонастройка закончена: приборов найдено {self._met}, новых файлов {self._written}")
        return not self._failed

    def stop(self) -> None:
        """End soon. May be called from a signal handler or another thread."""
        self._stopping = True

    # --- ports

    def _free(self, given: Sequence[str]) -> list[Port]:
        """Ports that nobody needs, as far as the files tell: whoever holds a port shows when it is opened."""
        places = self._outside.places
        ports, left_out = find_ports(places, self._outside.listed)
        self._map_usb(ports)
        reserved = self._known().reserved
        modems = {port.usb.device for port in ports if port.usb and reserved.get(port.path) == MODEM}
        if given:
            found = {port.path: port for port in ports}
            wanted = dict.fromkeys(map(places.resolve, given))
            ports = tuple(found.get(path) or describe(places, [path])[0] for path in wanted)
        else:
            self._tell_left_out(left_out)
        free = []
        for port in ports:
            reason = reserved.get(port.path) or (MODEM if port.usb and port.usb.device in modems else "")
            if reason:
                self._tell(f"{_short(port.path)}: пропущен, {reason}")
            else:
                free.append(port)
        return free

    def _tell_left_out(self, left_out: dict[str, str]) -> None:
        for reason in dict.fromkeys(left_out.values()):
            names = (_short(path) for path, why_not in left_out.items() if why_not == reason)
            self._tell(f"пропущены {', '.join(names)}: {reason}")

    def _map_usb(self, ports: Sequence[Port]) -> None:
        """Write `USB.rules` anew when adapters came, went or changed their places."""
        path = self._root / naming.USB_RULES
        try:
            before = files.read_limited(path, _RULES_LIMIT).decode("utf-8", "replace")
        except OSError:
            before = ""
        usb_ports = [port.usb for port in ports if port.usb]
        adapters = [Adapter(usb.id_path, usb.model, usb.vendor_id, usb.product) for usb in usb_ports]
        if len(adapters) > len(usb_rules.NAMES):
            self._tell(f"портов USB {len(adapters)}, в {naming.USB_RULES} помещаются {len(usb_rules.NAMES)}")
        text = usb_rules.rules_text(usb_rules.place(adapters, before), self._moment())
        if usb_rules.same_map(text, before):
            return
        try:
            files.write_whole(path, text.encode(), synced=True)
        except OSError as error:
            self._fail(f"{naming.USB_RULES}: не записан: {why(error)}")
        else:
            self._tell(f"{naming.USB_RULES}: записан, портов USB {len(adapters)}")

    def _known(self) -> Known:
        return read_known(self._root, self._outside.places.resolve)

    # --- the search

    def _search(self, ports: Sequence[Port]) -> None:
        by_path = {port.path: port for port in ports}
        self._tell(f"ищу приборы на {', '.join(map(_short, by_path))}" if by_path else "свободных портов нет")
        searches = [self._start(path) for path in by_path]
        give_up_s = time.monotonic() + self._outside.limit_s
        try:
            while any(search.is_alive() for search in searches) or not self._news.empty():
                self._take_news(by_path)
                if self._stopping or time.monotonic() > give_up_s:
                    self._break_off(searches, by_path)
                    return
        finally:
            for search in searches:
                search.stop()
                search.join(STOP_TIMEOUT_S)

    def _start(self, path: str) -> LineSearch:
        search = LineSearch(
            self._outside.link_of(path),
            self._questions,
            self._news.put,
            lambda _thread, traceback: self._news.put(_Crashed(traceback)),
            trace=self._tracer(path),
            waits=self._outside.waits,
        )
        search.start()
        return search

    def _break_off(self, searches: Sequence[LineSearch], by_path: dict[str, Port]) -> None:
        self._fail("автонастройка прервана" if self._stopping else "время автонастройки вышло, просмотрено не всё")
        for search in searches:
            search.stop()
        give_up_s = time.monotonic() + STOP_TIMEOUT_S
        while any(search.is_alive() for search in searches) and time.monotonic() < give_up_s:
            self._take_news(by_path)
        while not self._news.empty():
            self._take_news(by_path)

    def _take_news(self, by_path: dict[str, Port]) -> None:
        try:
            news = self._news.get(timeout=TICK_S)
        except queue.Empty:
            return
        if isinstance(news, Looking):
            place = f"скорость {news.baud}" + (f", адрес {news.address}" if news.address else "")
            self._listener.look(news.line, place)
        elif isinstance(news, Met):
            self._propose(news.found, by_path[news.line])
        elif isinstance(news, Told):
            self._tell(f"{_short(news.line)}: {news.text}")
        elif isinstance(news, Ended):
            self._listener.look(news.line, "")
        else:
            self._fail(f"внутренний сбой: {news.traceback}")

    # --- what was met

    def _propose(self, found: Found, port: Port) -> None:
        """Write a file for a device that no file names; the files are looked at again, a user may be quicker."""
        self._met += 1
        line = _short(found.port)
        if file := named_by(found, self._known().named):
            self._tell(f"{line}: {found}: уже есть в {naming.DEVICES}/{file}")
            return
        try:
            path = self._write(found, port)
        except OSError as error:
            self._fail(f"{line}: {found}: файл не записан: {why(error)}")
            return
        if path:
            self._written += 1
            self._tell(f"{line}: найден {found}: проверьте {path} и поставьте в нём Enabled=1")
        else:
            self._fail(f"{line}: найден {found}: файл для него назван так же, как чужой, добавьте прибор сами")

    def _write(self, found: Found, port: Port) -> str:
        folder = self._root / naming.DEVICES
        taken = {path.name.casefold() for path in folder.iterdir()} if folder.is_dir() else set()
        for name in file_names(found):
            path = f"{naming.DEVICES}/{name}"
            content = self._content(path, found, port)
            if name.casefold() not in taken and files.write_new(self._root / path, content, synced=True):
                return path
        return ""

    def _content(self, path: str, found: Found, port: Port) -> bytes:
        """With the stable path of the port, unless it has letters that a device file cannot have."""
        for written in (port.stable, port.path):
            content = device_text(found, written, self._moment()).encode()
            if not _errors(check_file(path, content)):
                break
        return content

    # --- telling

    def _moment(self) -> datetime | None:
        now = self._outside.now().astimezone(ZoneInfo(self._known().timezone))
        return now if clock_is_plausible(now) else None

    def _fail(self, text: str) -> None:
        self._failed = True
        self._tell(text)

    def _tell(self, text: str) -> None:
        self._listener.tell(text)


def _errors(problems: Iterable[Problem]) -> list[Problem]:
    return [problem for problem in problems if not problem.warning]


def _port_path(text: str) -> str:
    try:
        path = tty_port().take(text)
    except ValueError:
        path = ""
    if not path:
        raise ValueError(f"{text}: нужен порт: ttyS1 или полный путь")
    return str(path)


def _short(path: str) -> str:
    return path.removeprefix("/dev/")
