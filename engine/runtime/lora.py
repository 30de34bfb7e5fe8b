"""LoRaWAN modules: one thread for each device file with DevType=LoraModul."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.dialect.device_types import LORA
from engine.due import Restarts
from engine.runtime.lines import make_link
from engine.runtime.part import House, Part
from engine.settings import DeviceSettings, Settings

if TYPE_CHECKING:
    from engine.lora import Module

STOP_TIMEOUT_S = 5.0


@dataclass
class Standing:
    """One module: its thread, None until it is begun, and what of it was told in the journal."""

    settings: DeviceSettings
    module: Module | None = None
    restarts: Restarts = field(default_factory=Restarts)
    journaled: str = ""


class Lora(Part):
    """Started, changed and stopped by the difference between settings."""

    title = "LoRaWAN"

    def __init__(self, house: House) -> None:
        super().__init__(house)
        self.standings: dict[str, Standing] = {}
        self._leaving: list[Module] = []
        self._numbers: tuple[str, ...] = ()

    def apply(self, settings: Settings, now_s: float) -> None:
        """Send by the modules that these settings name. One that they do not concern is not disturbed."""
        wanted = {device.file: device for device in settings.devices if device.dev_type == LORA and device.enabled}
        for file in [file for file, each in self.standings.items() if wanted.get(file) != each.settings]:
            self._leave(self.standings.pop(file))
        for file, device in wanted.items():
            self.standings.setdefault(file, Standing(device))

    def tick(self, now_s: float) -> None:
        """Begin what is not begun, start again what crashed, tell what changed."""
        self._leaving = [module for module in self._leaving if module.is_alive()]
        if not self.standings:
            return
        self._numbers = tuple(sorted({each.dev_number for each in self.house.devices.all() if each.dev_number}))
        busy = {module.name for module in self._leaving}
        for standing in self.standings.values():
            module = standing.module
            is_due = module is None or (not module.is_alive() and standing.restarts.is_due(now_s))
            if is_due and f"lora {standing.settings.file}" not in busy:
                standing.module = self._begun(standing.settings)
            elif module is not None:
                self._journal(standing, module.failed)

    def tell_crash(self, thread: str, now_s: float) -> None:
        """A module's thread ended unexpectedly: it is started again after a growing pause."""
        for standing in self.standings.values():
            if standing.module is not None and standing.module.name == thread:
                standing.restarts.crashed(now_s)

    def stop(self) -> None:
        """End every thread and close the ports."""
        for standing in self.standings.values():
            self._leave(standing)
        for module in self._leaving:
            module.join(STOP_TIMEOUT_S)

    def lines(self) -> Sequence[str]:
        """One line a module; nothing where there is none."""
        return [_line(standing) for standing in self.standings.values()]

    def _begun(self, settings: DeviceSettings) -> Module:
        from engine.lora import Module  # only an agent that has a module carries it

        module = Module(self.house.root, settings, make_link(settings), lambda: self._numbers, self.house.crashed)
        module.start()
        return module

    def _leave(self, standing: Standing) -> None:
        if standing.module is not None:
            standing.module.stop()
            self._leaving.append(standing.module)

    def _journal(self, standing: Standing, failed: str) -> None:
        if failed != standing.journaled:
            self.house.journal(f"LoRaWAN {standing.settings.file}: {failed or 'снова передаёт'}")
            standing.journaled = failed


def _line(standing: Standing) -> str:
    state = standing.module.state if standing.module else "ещё не опрошен"
    restarts = f"; перезапусков {standing.restarts.count}" if standing.restarts.count else ""
    return f"{standing.settings.file}: {standing.settings.port}; {state}{restarts}"
