"""OpenVPN: `client.ovpn` and `client1.ovpn` of `log/VPN/`, both at once, each from its checked copy."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field

from engine import naming
from engine.due import Restarts
from engine.errors import SettingsWrong
from engine.formats.status import moment_text
from engine.ftpd.accounts import FACTORY_PASSWORD
from engine.reasons import why
from engine.runtime.part import House, Part
from engine.settings import Settings
from engine.vpn import Tunnel, copy, end_left_behind, find_program

NAMES = ("client", "client1")
LOOK_S = 1.0
MOST_FILES = 100
_FACTORY = (
    "не запущен: пароль встроенного FTP заводской, и файл мог положить кто угодно; "
    f"задайте другой: {naming.FTP_INI}, [internal] Password"
)
_NO_PROGRAM = "не запущен: нет программы openvpn (sudo apt-get install openvpn)"
_OLD_RUNS, _NOTHING_RUNS = "действует прежний исправный файл", "не запущен"

Stamp = tuple[str, int, int, int]


@dataclass
class Standing:
    """One of the two. `contents` is the copy that runs or is to run, None while there is none.

    `leaving`: the process is to end, because its file has changed, is gone, or must not run any more.
    """

    contents: copy.Contents | None = None
    tunnel: Tunnel | None = None
    leaving: bool = False
    restarts: Restarts = field(default_factory=Restarts)
    problems: tuple[str, ...] = ()
    failure: str = ""
    was_up: bool = False
    since: str = ""


class Vpn(Part):
    """Started at start and when a file changes; one with problems leaves in force what was right before it."""

    title = "VPN"

    def __init__(self, house: House) -> None:
        super().__init__(house)
        self.standings = {name: Standing() for name in NAMES}
        self._allowed = False
        self._seen: list[Stamp] | None = None
        self._settled = False
        self._look_at_s = 0.0

    def apply(self, settings: Settings, now_s: float) -> None:
        """While everybody knows the password nobody's file opens a way into a network."""
        internal = settings.ftp.internal
        self._allowed = not (internal.enabled and internal.password == FACTORY_PASSWORD)

    def tick(self, now_s: float) -> None:
        """Look at the files once a second, take them when they stand still; keep running what shall run."""
        if now_s >= self._look_at_s:
            self._look_at_s = now_s + LOOK_S
            self._look()
        for name, standing in self.standings.items():
            self._turn(name, standing, now_s)

    def stop(self) -> None:
        """No process is left."""
        tunnels = [standing.tunnel for standing in self.standings.values() if standing.tunnel is not None]
        for tunnel in tunnels:
            tunnel.ask_to_end(0.0)
        for tunnel in tunnels:
            tunnel.end()
        for standing in self.standings.values():
            standing.tunnel = None

    def lines(self) -> Sequence[str]:
        """One line for each file that there is, and every problem; nothing where there is none."""
        found: list[str] = []
        for name, standing in self.standings.items():
            if standing.contents is not None:
                found.append(f"{name}: {self._state(standing)}")
            found += standing.problems
        return found

    # --- files

    def _look(self) -> None:
        stamps = self._stamps()
        if self._seen is None:
            for name in NAMES:
                end_left_behind(self.house.root, name)
        if stamps != self._seen:
            self._seen, self._settled = stamps, False
        elif not self._settled:
            self._settled = True
            for name, standing in self.standings.items():
                self._take_in(name, standing)

    def _stamps(self) -> list[Stamp]:
        try:
            with os.scandir(self.house.root / naming.VPN) as entries:
                stats = sorted((entry.name, entry.stat(follow_symlinks=False)) for entry in entries)
        except OSError:
            return []  # a folder that is gone comes back empty, and one that changes is looked at again
        return [(name, status.st_size, status.st_mtime_ns, status.st_ino) for name, status in stats[:MOST_FILES]]

    def _take_in(self, name: str, standing: Standing) -> None:
        try:
            contents = copy.checked(self.house.root, name)
            stands = copy.stored(self.house.root, name)
            if contents is None:
                copy.remove(self.house.root, name)
            elif contents != stands:
                copy.store(self.house.root, name, contents)
        except SettingsWrong as wrong:
            self._refuse(name, standing, tuple(map(str, wrong.problems)))
            return
        except OSError as error:
            self._refuse(name, standing, (f"{copy.COPIES}/{name}: {why(error)}",))
            return
        standing.problems = ()
        self._change(standing, contents)

    def _refuse(self, name: str, standing: Standing, problems: tuple[str, ...]) -> None:
        """The copy that was checked last stays, after a restart too."""
        if standing.contents is None:
            self._change(standing, self._last_checked(name))
        result = f"{naming.VPN}/{name}.ovpn: {_OLD_RUNS if standing.contents is not None else _NOTHING_RUNS}"
        if (told := (*problems, result)) != standing.problems:
            standing.problems = told
            for text in told:
                self.house.journal(text)

    def _last_checked(self, name: str) -> copy.Contents | None:
        """None too when it cannot be read: why that is so has been told."""
        try:
            stands = copy.stored(self.house.root, name)
        except OSError:
            return None
        return stands if stands and copy.CONFIG in stands else None

    def _change(self, standing: Standing, contents: copy.Contents | None) -> None:
        if contents != standing.contents:
            standing.contents, standing.leaving = contents, standing.tunnel is not None
            standing.restarts, standing.failure = Restarts(), ""

    # --- processes

    def _turn(self, name: str, standing: Standing, now_s: float) -> None:
        wanted = standing.contents is not None and self._allowed
        if standing.tunnel is not None:
            self._watch(name, standing, standing.tunnel, wanted, now_s)
        elif wanted and (standing.restarts.due_at_s is None or standing.restarts.is_due(now_s)):
            self._start(name, standing, now_s)

    def _watch(self, name: str, standing: Standing, tunnel: Tunnel, wanted: bool, now_s: float) -> None:
        is_up = tunnel.is_up
        if is_up and not standing.was_up:
            standing.since = moment_text(self.house.now())
            self.house.journal(f"VPN {name}: соединение установлено")
        standing.was_up = is_up
        if tunnel.ended:
            standing.tunnel, standing.was_up = None, False
            if not standing.leaving:
                self._fail(name, standing, f"openvpn завершился: {tunnel.trouble or 'причину не назвал'}", now_s)
            standing.leaving = False
        elif standing.leaving or not wanted:
            standing.leaving = True
            tunnel.ask_to_end(now_s)
            tunnel.tick(now_s)

    def _start(self, name: str, standing: Standing, now_s: float) -> None:
        openvpn = find_program("openvpn")
        if openvpn is None:
            self._fail(name, standing, _NO_PROGRAM, now_s)
            return
        try:
            standing.tunnel = Tunnel(self.house.root, name, openvpn, self.house.crashed)
        except OSError as error:
            self._fail(name, standing, f"openvpn не запускается: {why(error)}", now_s)

    def _fail(self, name: str, standing: Standing, failure: str, now_s: float) -> None:
        standing.restarts.crashed(now_s)
        if failure != standing.failure:
            standing.failure = failure
            self.house.journal(f"VPN {name}: {failure}")

    def _state(self, standing: Standing) -> str:
        if not self._allowed:
            return _FACTORY
        tunnel = standing.tunnel
        if tunnel is None:
            return f"{standing.failure}; запускается снова" if standing.failure else "запускается"
        parts = [f"соединение установлено {standing.since}" if standing.was_up else "соединяется"]
        if tunnel.trouble and not standing.was_up:
            parts.append(tunnel.trouble)
        if standing.restarts.count:
            parts.append(f"перезапусков {standing.restarts.count}")
        return "; ".join(parts)
