"""Regulators: each follows the readings of its meter, and writes its output by the line of its own device.

An output counts from the moment when the device has confirmed it. While a write is under way no further one is
ordered, and one that failed is forgotten: the next step starts from what the valve really has.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from engine import naming
from engine.dialogue import Write
from engine.ftpd.accounts import FACTORY_PASSWORD
from engine.news import Contact, News, Written
from engine.regulator.control import Decision, Sight, decide, is_lost
from engine.regulator.law import State
from engine.regulator.register import held, is_mapped
from engine.regulator.telling import View, facts, line
from engine.runtime.output_notes import OutputNotes
from engine.runtime.part import House, Part
from engine.settings import DeviceSettings, Settings
from engine.settings.regulator import RegulatorSettings, Source

WRITE_S = 10.0
"""A write may wait so long at least for its turn on the line."""
SPARE_S = 5.0
"""So much later it is given up even if the line never tells."""
_FACTORY = (
    "не запущен: пароль встроенного FTP заводской, и настройки мог положить кто угодно; "
    f"задайте другой: {naming.FTP_INI}, [internal] Password"
)
_STARTS = "ждёт ответа своего прибора"
_UNKNOWN = "начальный выход неизвестен: задайте Output"


@dataclass
class Standing:
    """One regulator. `state` is None until it is known what the valve has; `confirmed` is what the device confirmed.

    `settled` is the output that the valve has as far as anybody knows, `ordered` the number that is being written,
    None while none is.
    """

    settings: DeviceSettings
    state: State | None = None
    settled: float = 0.0
    confirmed: int | None = None
    ordered: int | None = None
    give_up_s: float = 0.0
    measured: float | None = None
    measured_s: float = -math.inf
    is_new: bool = False
    stepped_s: float = -math.inf
    doing: str = _STARTS
    failure: str = ""
    was_lost: bool = False
    was_changed: bool = False
    met: bool = False
    heard: float | None = None

    @property
    def own(self) -> RegulatorSettings:
        return self.settings.regulator

    def sight(self, now_s: float) -> Sight:
        if self.measured is None:
            return Sight()
        return Sight(self.measured, max(0.0, now_s - self.measured_s), self.is_new)

    def is_confirmed(self, raw: int) -> None:
        """The device has this number. What was computed more finely is kept."""
        self.confirmed, self.settled = raw, raw * self.own.scale
        if self.state is None or self.own.raw(self.state.output) != raw:
            self.state = State(self.settled, self.state.measured if self.state else None)

    def falls_back(self) -> None:
        """Go on from what was before. What was to be written may be there all the same: only its answer was lost."""
        if self.ordered is not None:
            self.ordered = self.confirmed = None
        if self.state is not None:
            self.state = State(self.settled, self.state.measured)


class Regulators(Part):
    """Nothing of it works while the embedded FTP server lets everybody in."""

    title = "Регулятор"

    def __init__(self, house: House) -> None:
        super().__init__(house)
        self.standings: dict[str, Standing] = {}
        self._notes = OutputNotes(house.root, house.journal)
        self._allowed = False
        self._now_s = 0.0

    def apply(self, settings: Settings, now_s: float) -> None:
        """Regulate by these settings. One that keeps its valve goes on from the output that it has."""
        internal = settings.ftp.internal
        self._allowed = not (internal.enabled and internal.password == FACTORY_PASSWORD)
        old, self.standings = self.standings, {}
        for device in settings.devices:
            if device.enabled and device.regulator.enabled:
                before = old.get(device.file)
                self.standings[device.file] = _carried(before, device) if before else Standing(device)

    def take(self, news: News) -> None:
        """A reading of the meter, of the regulator's own device, or the end of a write."""
        if isinstance(news, Contact):
            for standing in self.standings.values():
                if standing.own.source is not None and self._is_of(news, standing.own.source):
                    standing.heard = measured_of(news, standing.own.source)
            if news.file in self.standings:
                self._meet(self.standings[news.file], news)
        elif isinstance(news, Written) and news.file in self.standings:
            self._written(self.standings[news.file], news)

    def tick(self, now_s: float) -> None:
        """One step of each whose time has come."""
        self._now_s = now_s
        for standing in self.standings.values():
            if standing.heard is not None:
                standing.measured, standing.measured_s, standing.is_new = standing.heard, now_s, True
                standing.heard = None
            self._turn(standing, now_s)

    def stop(self) -> None:
        """The valve stays; where it stands is noted for the next run."""
        for standing in self.standings.values():
            self._note(standing, at_once=True)

    def lines(self) -> Sequence[str]:
        """One line a regulator; nothing where there is none."""
        return [line(self._view(standing)) for standing in self.standings.values()]

    def facts(self) -> Mapping[str, str]:
        """What the manual's card shows of it."""
        views = [self._view(standing) for standing in self.standings.values()] if self._allowed else []
        return {key: value for place, view in enumerate(views, 1) for key, value in facts(view, place).items()}

    # --- what is heard

    def _is_of(self, news: Contact, source: Source) -> bool:
        """Of two devices that tell one number the first is believed."""
        keepers = self.house.devices.keepers
        own = (file for file, keeper in keepers.items() if keeper.dev_number == source.dev_number)
        return next(own, None) == news.file

    def _meet(self, standing: Standing, news: Contact) -> None:
        """Its own device answered: what stands in the register, if that can be read, is where it goes on from."""
        own, template = standing.own, standing.settings.template_map
        if own.register is None or standing.ordered is not None or news.settings != standing.settings:
            return
        standing.met = True
        raw = held(template, own.register, news.reading)
        if raw is None:
            return
        was_changed, standing.was_changed = standing.was_changed, standing.confirmed not in (None, raw)
        if standing.was_changed and not was_changed:
            self.house.journal(
                f"регулятор {news.file}: в регистре {raw} вместо {standing.confirmed}, выход изменён не регулятором"
            )
        standing.is_confirmed(raw)

    def _written(self, standing: Standing, news: Written) -> None:
        if news.raw != standing.ordered:
            return  # of settings that were before
        if news.reason:
            self._failed(standing, news.reason)
            return
        if standing.failure:
            self.house.journal(f"регулятор {news.file}: снова записывает")
        standing.ordered, standing.failure = None, ""
        standing.is_confirmed(news.raw)
        self._note(standing)

    def _failed(self, standing: Standing, reason: str) -> None:
        if not standing.failure:  # it names numbers that change: once is enough for the journal
            self.house.journal(f"регулятор {standing.settings.file}: не записано: {reason}")
        standing.failure = reason
        standing.falls_back()

    # --- what is done

    def _turn(self, standing: Standing, now_s: float) -> None:
        if standing.ordered is not None:
            if now_s > standing.give_up_s:
                self._failed(standing, "линия занята или не на связи")
            return
        if not self._allowed:
            standing.doing = _FACTORY
            return
        self._watch(standing, now_s)
        if now_s - standing.stepped_s < standing.own.period_s:
            return
        if standing.state is None:
            standing.state = self._beginning(standing)
        if standing.state is not None:
            self._step(standing, standing.state, now_s)

    def _step(self, standing: Standing, state: State, now_s: float) -> None:
        """The first step after a start only looks: how long it took is not known."""
        step_s = now_s - standing.stepped_s if math.isfinite(standing.stepped_s) else 0.0
        decision: Decision = decide(standing.own, state, standing.sight(now_s), step_s)
        standing.doing = decision.doing
        if decision.acted:
            standing.state, standing.stepped_s, standing.is_new = decision.state, now_s, False
            if decision.writes:
                self._order(standing, decision.state, now_s)

    def _order(self, standing: Standing, state: State, now_s: float) -> None:
        own = standing.own
        if own.register is None:
            standing.settled = state.output
        if own.register is None or own.raw(state.output) == standing.confirmed:
            return
        raw, wait_s = own.raw(state.output), max(float(own.period_s), WRITE_S)
        worker = self.house.lines.worker_of(standing.settings.file)
        if worker is None:
            self._failed(standing, "прибор не опрашивается")
            return
        standing.ordered, standing.give_up_s = raw, now_s + wait_s + SPARE_S
        worker.write(standing.settings.file, Write(own.register, raw, own.function), now_s + wait_s)

    def _beginning(self, standing: Standing) -> State | None:
        """What the valve has, as far as anybody knows. A register that can be read is waited for."""
        own, file = standing.own, standing.settings.file
        if own.register is None:
            return State(own.output_min if own.output is None else own.output)
        if not standing.met or is_mapped(standing.settings.template_map, own.register):
            standing.doing = _STARTS
            return None
        noted = self._notes.read(file)
        output = own.output if noted is None else noted
        if output is None:
            standing.doing = _UNKNOWN
            return None
        standing.confirmed, standing.settled = None if noted is None else own.raw(noted), output
        return State(output)

    def _watch(self, standing: Standing, now_s: float) -> None:
        """A loss of the measurement is told once, and its end."""
        own = standing.own
        lost = own.mode == "auto" and is_lost(own, standing.sight(now_s))
        if lost != standing.was_lost and (standing.measured is not None or not lost):
            standing.was_lost = lost
            self.house.journal(f"регулятор {standing.settings.file}: показания {own.source} {_again(lost)}")

    def _note(self, standing: Standing, *, at_once: bool = False) -> None:
        """Only where the device cannot be asked."""
        own = standing.own
        if (
            own.register is None
            or standing.confirmed is None
            or is_mapped(standing.settings.template_map, own.register)
        ):
            return
        share = 0.0 if at_once else (own.output_max - own.output_min) / 100
        self._notes.write(standing.settings.file, standing.confirmed * own.scale, share)

    def _view(self, standing: Standing) -> View:
        number = self.house.devices.number_of(standing.settings.file)
        output = standing.state.output if standing.state else None
        doing = standing.doing if self._allowed else _FACTORY
        return View(standing.settings.file, number, standing.own, standing.sight(self._now_s), output, doing,
                    standing.failure)  # fmt: skip


def measured_of(news: Contact, source: Source) -> float | None:
    """The value in a reading; None where it is not known, or is no number."""
    systems = news.reading.systems
    value = systems[source.system - 1].get(source.key) if source.system <= len(systems) else None
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _carried(before: Standing, device: DeviceSettings) -> Standing:
    """The same valve under new settings; a measurement of another meter is not taken along."""
    if before.settings == device:
        return before
    if _valve(before.settings) != _valve(device):
        return Standing(device)
    before.falls_back()
    if before.own.source != device.regulator.source:
        before.measured, before.is_new, before.was_lost = None, False, False
        before.state = State(before.state.output) if before.state else None
    return replace(before, settings=device, failure="")


def _valve(settings: DeviceSettings) -> tuple[object, ...]:
    own = settings.regulator
    line = settings.connection, settings.port, settings.net_ip, settings.net_port, settings.net_addr
    return (*line, settings.template_map, own.register, own.scale)


def _again(lost: bool) -> str:
    return "нет" if lost else "снова есть"
