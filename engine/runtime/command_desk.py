"""What every command of a user works with: the agent around it, the device it names, and where its answer goes."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from engine.command import CommandFailed
from engine.keeper import Keeper
from engine.runtime.deliveries import Deliveries
from engine.runtime.lines import line_name
from engine.runtime.part import House
from engine.runtime.which import is_shown, shown

INTRODUCTION_S = 30.0
FREE_S = 15.0
MOST_MISSED = 3

Steps = Generator[None, None, None]
"""A command under way: each step is short, between two of them the agent goes on with its work.

CommandFailed and OSError end it; closing it lets go of everything that it took.
"""


@dataclass(frozen=True, slots=True)
class Desk:
    """For one command file. `tell` writes a line of the answer, `progress` one that may be left out.

    `clock` is monotonic. `set_time(text)` sets the clock of the host and tells how that went.
    """

    house: House
    deliveries: Deliveries
    tell: Callable[[str], None]
    progress: Callable[[str], None]
    clock: Callable[[], float]
    set_time: Callable[[str], str]

    def device(self, number: str) -> Generator[None, None, Keeper]:
        """The device of this number; whoever has not told his number yet is asked for it first.

        CommandFailed when there is none, or it is switched off.
        """
        keepers = self.house.devices.all()
        found = self._named(number) or self._shown(number)
        if not found and (unknown := [each for each in keepers if each.settings.enabled and not each.dev_number]):
            for keeper in unknown:
                yield from self.until_free(keeper)
            with self.polled(*unknown):
                end_s = self.clock() + INTRODUCTION_S
                while not found and not all(map(_is_introduced, unknown)) and self.clock() < end_s:
                    yield
                    found = self._named(number)
        if not found:
            raise CommandFailed(f"прибора {number} нет: его не называет ни один файл в log/User/devices")
        enabled = [keeper for keeper in found if keeper.settings.enabled]
        if not enabled:
            raise CommandFailed(f"прибор {number} выключен: Enabled=0 в {found[0].settings.file}")
        yield from self.until_free(enabled[0])
        return enabled[0]

    def _named(self, number: str) -> list[Keeper]:
        return [keeper for keeper in self.house.devices.all() if keeper.dev_number == number]

    def _shown(self, number: str) -> list[Keeper]:
        """Devices that have not told their number since the start, by where the snapshot of that number was read."""
        told = shown(self.house.root, number)
        unknown = (keeper for keeper in self.house.devices.all() if not keeper.dev_number)
        return [keeper for keeper in unknown if is_shown(keeper.settings, told)]

    def until_free(self, keeper: Keeper) -> Generator[None, None, None]:
        """Whoever polled the device a moment ago still closes its port."""
        end_s, line = self.clock() + FREE_S, line_name(keeper.settings)
        while not self.house.lines.is_free(line) and self.clock() < end_s:
            yield

    @contextmanager
    def polled(self, *keepers: Keeper) -> Iterator[None]:
        """These devices are polled inside the block, also while nothing else is."""
        devices, files = self.house.devices, {keeper.settings.file for keeper in keepers}
        devices.polling.by_hand |= files
        devices.repoll()
        try:
            yield
        finally:
            devices.polling.by_hand -= files
            devices.repoll()

    def check(self, keeper: Keeper) -> None:
        """CommandFailed when the device is not what it was when the command began."""
        if self.house.devices.keepers.get(keeper.settings.file) is not keeper:
            raise CommandFailed(f"настройки прибора изменены: {keeper.settings.file}")


def _is_introduced(keeper: Keeper) -> bool:
    return bool(keeper.dev_number) or keeper.standing.failures >= MOST_MISSED
