"""Flash drives: one that is plugged in gets what is new, and is let go so that it can be pulled at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from engine.due import Restarts
from engine.export import Outcome, export
from engine.export.media import Media, unmount
from engine.export.mounts import Mount
from engine.formats.status import moment_text
from engine.reasons import why
from engine.runtime.part import House, Part
from engine.settings import Settings
from engine.worker import Worker

LOOK_S = 2.0
STOP_TIMEOUT_S = 5.0
THREAD = "flash"


class Copying(Worker):
    """Copies to one drive and lets go of it; `told` is what it does at the moment, in the end what became of it."""

    def __init__(self, house: House, mount: Mount, release: Callable[[Mount], bool]) -> None:
        super().__init__(THREAD, house.crashed)
        self.mount = mount
        self.told = "начинается"
        self.outcome: Outcome | None = None
        self.released = False
        self._root = house.root
        self._release = release

    def work(self) -> None:
        if self.mount.read_only:
            outcome = Outcome(problem="накопитель только для чтения, ничего не скопировано")
        else:
            outcome = export(self._root, Path(self.mount.point), self._tell, self.stopping.is_set)
        if not self.stopping.is_set():
            self._tell("отключается")
            self.released = self._release(self.mount)
            last = "можно вынимать" if self.released else _BY_HAND.format(self.mount.point)
            self._tell(f"{outcome.text}; {last}")
        self.outcome = outcome

    def _tell(self, text: str) -> None:
        self.told = text


class Flash(Part):
    """One drive after another. What stands plugged in and was served is left alone until it is pulled."""

    title = "Флеш-накопитель"

    def __init__(self, house: House, media: Media | None = None, release: Callable[[Mount], bool] = unmount) -> None:
        super().__init__(house)
        self._media = media or Media(house.root)
        self._release = release
        self._enabled = False
        self._look_at_s = 0.0
        self._served: set[tuple[int, str]] = set()
        self._copying: Copying | None = None
        self._last = ""
        self._problem = ""
        self._restarts = Restarts()

    def apply(self, settings: Settings, now_s: float) -> None:
        """Copy, or leave drives alone."""
        self._enabled = settings.agent.usb_export

    def tick(self, now_s: float) -> None:
        """Take what is through; look for a drive every other second."""
        if self._copying is not None and not self._copying.is_alive():
            self._end(self._copying)
        if self._enabled and self._copying is None and now_s >= self._look_at_s:
            self._look_at_s = now_s + LOOK_S
            self._look(now_s)

    def tell_crash(self, thread: str, now_s: float) -> None:
        """The drive is tried again after a pause."""
        if thread == THREAD:
            self._restarts.crashed(now_s)

    def stop(self) -> None:
        """Break off between two pieces; what hangs in the system is left behind, as the drive itself may hang."""
        if self._copying is not None:
            self._copying.stop()
            self._copying.join(STOP_TIMEOUT_S)

    def lines(self) -> Sequence[str]:
        """What is done now, else what was done last; nothing before the first drive."""
        if self._copying is not None:
            return [f"{self._copying.mount.point}: {self._copying.told}; не вынимайте"]
        return [text for text in (self._problem, self._last) if text]

    def _look(self, now_s: float) -> None:
        if self._restarts.due_at_s is not None and not self._restarts.is_due(now_s):
            return
        try:
            mounts = self._media.plugged()
        except OSError as error:
            self._problem = f"список накопителей не прочитан: {why(error)}"
            return
        self._problem = ""
        self._served &= {_key(mount) for mount in mounts}
        for mount in mounts:
            if _key(mount) not in self._served:
                self._begin(mount)
                return

    def _begin(self, mount: Mount) -> None:
        self.house.journal(f"накопитель {mount.point}: копирование начато, не вынимайте")
        self._copying = Copying(self.house, mount, self._release)
        self._copying.start()

    def _end(self, copying: Copying) -> None:
        self._copying = None
        if copying.outcome is None:
            return  # its crash is told by the house, and it is tried again
        if not copying.released:
            self._served.add(_key(copying.mount))
        self.house.journal(f"накопитель {copying.mount.point}: {copying.told}")
        self._last = f"{_when(self.house.now())}{copying.mount.point}: {copying.told}"


_BY_HAND = "всё записано, но отключить нет прав: вынимайте после umount {}"


def _key(mount: Mount) -> tuple[int, str]:
    return mount.identity, mount.device


def _when(now: datetime | None) -> str:
    return f"{moment_text(now)} " if now else ""
