"""The display: what it shows at this moment, and the thread that tells it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from engine import files, naming
from engine.due import Restarts
from engine.errors import SettingsWrong
from engine.lcd.playlist import Shown, playlist, value_of
from engine.runtime.part import House, Part
from engine.settings import Settings
from engine.settings.smallfiles import parse_lcd

if TYPE_CHECKING:
    from engine.lcd import Lcd

REFRESH_S = 1.0
LIMIT_BYTES = 1024 * 1024
NOTHING = ("", "нет показаний", "")


class Display(Part):
    """One display, or none. `frame` is what it shows now: device, caption, value."""

    title = "ЖКИ"

    def __init__(self, house: House) -> None:
        super().__init__(house)
        self.frame = NOTHING
        self._wanted = ("", "")
        self._lcd: Lcd | None = None
        self._restarts = Restarts()
        self._shown: Shown | None = None
        self._until_s = 0.0
        self._refresh_s = 0.0

    def apply(self, settings: Settings, now_s: float) -> None:
        """Another server or other letters are another connection."""
        wanted = (settings.agent.lcd_server, settings.agent.lcd_encoding)
        if wanted != self._wanted:
            self._wanted = wanted
            self._start()

    def tick(self, now_s: float) -> None:
        """Each parameter for its seconds, with the value of now."""
        if self._restarts.is_due(now_s):
            self._start()
        if self._lcd is not None and now_s >= min(self._refresh_s, self._until_s):
            self._refresh_s = now_s + REFRESH_S
            self._turn(now_s)

    def tell_crash(self, thread: str, now_s: float) -> None:
        if self._lcd is not None and thread == self._lcd.name:
            self._restarts.crashed(now_s)

    def stop(self) -> None:
        """End its thread soon."""
        lcd, self._lcd = self._lcd, None
        if lcd is not None:
            lcd.stop()

    def lines(self) -> Sequence[str]:
        """Whether it shows anything; nothing while there is none."""
        if self._lcd is None:
            return ()
        return [f"{self._wanted[0]}: {self._lcd.problem or 'работает'}"]

    def _start(self) -> None:
        self.stop()
        server, encoding = self._wanted
        if not server:
            return
        from engine.lcd import Lcd  # what is switched off costs no memory

        host, _, port = server.rpartition(":")
        self._lcd = Lcd(host.strip("[]"), int(port), encoding, lambda: self.frame, self.house.crashed)
        self._lcd.start()

    def _turn(self, now_s: float) -> None:
        snapshots = self._snapshots()
        try:
            shown = playlist(parse_lcd(naming.LCD_INFO, self.house.text(naming.LCD_INFO)), snapshots)
        except SettingsWrong:
            shown = []  # the settings have checked it; nothing is in force yet
        if now_s >= self._until_s or self._shown not in shown:
            self._shown = _next(shown, self._shown)
            self._until_s = now_s + (self._shown.seconds if self._shown else REFRESH_S)
        if self._shown is None:
            self.frame = NOTHING
        else:
            self.frame = (self._shown.device, self._shown.caption, value_of(self._shown, snapshots))

    def _snapshots(self) -> Mapping[str, Mapping[str, str]]:
        numbers = [keeper.dev_number for keeper in self.house.devices.keepers.values() if keeper.dev_number]
        return {number: found for number in numbers if (found := self._current(number))}

    def _current(self, number: str) -> dict[str, str]:
        """Section `[0]` of a snapshot as it stands there; empty while there is none."""
        try:
            text = files.read_limited(self.house.root / naming.snapshot_path(number), LIMIT_BYTES).decode()
        except (OSError, ValueError):
            return {}
        own = text.removeprefix("[0]\n").partition("\n[")[0]
        return dict(line.split("=", 1) for line in own.splitlines() if "=" in line)


def _next(shown: Sequence[Shown], before: Shown | None) -> Shown | None:
    """The one after `before`, the first where it is not there any more."""
    if not shown:
        return None
    return shown[(shown.index(before) + 1) % len(shown)] if before in shown else shown[0]
