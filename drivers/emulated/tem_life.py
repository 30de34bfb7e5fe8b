"""What flows through an emulated meter, as a function of the seconds it has been under power.

Flows follow a daily and a nine-day wave; totals are the exact integral of the flow, heat is the flow
times the temperature difference, the time counters follow short episodes of faults. So records can be
made backwards and the meter can go on from any moment. Values are multiples of a power of two: a
32-bit float holds them exactly.
"""

from __future__ import annotations

import math
from random import Random
from typing import NamedTuple, Protocol

from drivers.emulated.tem_options import CHANNELS, ENERGY_UNITS, System

_FRACTIONS = 1024
_WAVES = ((0.25, 86_400.0), (0.15, 9 * 86_400.0))
"""Amplitude and period in seconds; together under 1, so that no flow ever turns back."""
_MWH_PER_T_K = 1.163e-3
_ROUND_S = 10 * 86_400
_EPISODES_S = tuple((_ROUND_S * part // 4, length_s) for part, length_s in enumerate((1800, 900, 2700, 3600)))
"""Start and length of one episode each of G < min, G > max, Δt < min, technical fault; they never overlap."""
_EPISODE_BITS = (0x01, 0x04, 0x10, 0x20)
_FACTORS_HEAT = {6: 100_000, 5: 10_000, 4: 1000, 3: 100, 2: 10}
_FACTORS_VOLUME = {5: 1000, 4: 100, 3: 10}
PROGRAMMED_TEMPERATURES = (90.0, 80.0, 70.0, 60.0, 50.0, 40.0, 30.0)
PROGRAMMED_PRESSURES = (0.699999988079071, 0.4000000059604645) + (0.8999999761581421,) * 5
"""The captured settings, as 32-bit floats: what a channel without a sensor shows."""

Raw = tuple[tuple[float, ...], tuple[int, ...]]
"""Fractions and integers of six running totals, as the memory holds them: scaled, not yet divided."""


class LifeOptions(Protocol):
    """What life must know of its meter; `tem_options.Options` says what each means."""

    @property
    def model(self) -> str: ...
    @property
    def serial_number(self) -> int: ...
    @property
    def seed(self) -> int: ...
    @property
    def energy_unit(self) -> str: ...
    @property
    def system_list(self) -> tuple[System, ...]: ...
    @property
    def commas(self) -> tuple[int, ...]: ...
    @property
    def used(self) -> tuple[int, int, int]: ...
    @property
    def nan(self) -> tuple[str, ...]: ...


class Moment(NamedTuple):
    """Everything that the meter knows at one moment; tuples are by channel or system, as in D106.

    `times_s`: without errors, G < min, G > max, Δt < min, technical fault. `heat_total`: fraction, integer.
    """

    powered_s: int
    volume: Raw
    mass: Raw
    heat: Raw
    heat_total: tuple[float, int]
    times_s: tuple[tuple[int, ...], ...]
    temperatures: tuple[float, ...]
    pressures: tuple[float, ...]
    mass_flow: tuple[float, ...]
    volume_flow: tuple[float, ...]


def _channels(mask: int) -> tuple[int, ...]:
    return tuple(number for number in range(8) if mask >> number & 1)


def _grain(value: float) -> float:
    return math.floor(value * _FRACTIONS) / _FRACTIONS


class _Course:
    """One system: full values at an even flow, and the waves that they follow."""

    def __init__(self, random: Random, system: System, energy_factor: float) -> None:
        self._waves = [(amplitude, math.tau / period_s, random.uniform(0, math.tau)) for amplitude, period_s in _WAVES]
        self._episode_offset_s = random.randrange(_ROUND_S)
        mass = random.uniform(4, 12)
        self.flows = [(channel, mass * 0.3**index) for index, channel in enumerate(_channels(system.flows))]
        supply, drop = random.uniform(70, 95), random.uniform(15, 30)
        bases = (supply, supply - drop, 8.0, 20.0, 20.0, 20.0, 20.0)
        self.temperatures = list(zip(_channels(system.temperatures), bases, strict=False))
        self.pressures = [(channel, 0.6 - 0.05 * index) for index, channel in enumerate(_channels(system.pressures))]
        self.heat_per_h = self._power_mw() * energy_factor

    def _power_mw(self) -> float:
        if not self.flows or len(self.temperatures) < 2:
            return 0.0
        masses = [mass for _, mass in self.flows]
        bases = [base for _, base in self.temperatures]
        if len(masses) > 1 and len(bases) > 2:
            return _MWH_PER_T_K * (masses[0] * (bases[0] - bases[2]) - masses[1] * (bases[1] - bases[2]))
        return _MWH_PER_T_K * masses[0] * (bases[0] - bases[1])

    def wave(self, worked_s: int) -> float:
        wave = 1.0
        for amplitude, speed, phase in self._waves:
            wave += amplitude * math.sin(speed * worked_s + phase)
        return wave

    def hours(self, worked_s: int) -> float:
        """The integral of `wave` since the meter was put to work, in hours."""
        integral_s = float(worked_s)
        for amplitude, speed, phase in self._waves:
            integral_s += amplitude / speed * (math.cos(phase) - math.cos(speed * worked_s + phase))
        return integral_s / 3600

    def episodes_s(self, worked_s: int) -> list[int]:
        """Seconds of each kind of fault so far."""
        passed_s = worked_s + self._episode_offset_s
        return [
            (moved := passed_s + start_s) // _ROUND_S * length_s + min(moved % _ROUND_S, length_s)
            for start_s, length_s in _EPISODES_S
        ]


class Life:
    """The whole meter. Deterministic by seed, model and serial number."""

    def __init__(self, options: LifeOptions) -> None:
        random = Random(f"{options.seed}/{options.model}/{options.serial_number}")
        factor = ENERGY_UNITS[options.energy_unit]
        self._courses = [_Course(random, system, factor) for system in options.system_list]
        self._commas = options.commas
        self._used = options.used
        self._nan = frozenset(options.nan)
        self._first_episodes = [course.episodes_s(0) for course in self._courses]

    def moment(self, worked_s: int) -> Moment:
        """Everything after so many seconds under power."""
        hours = [course.hours(worked_s) for course in self._courses]
        mass, volume = self._flow_totals(hours)
        heats = [course.heat_per_h * passed for course, passed in zip(self._courses, hours, strict=True)]
        temperatures, pressures = self._sensors(worked_s)
        mass_flow, volume_flow = self._flows(worked_s)
        return Moment(
            worked_s,
            volume,
            mass,
            _raw(heats + [0.0] * (CHANNELS - len(heats)), [_FACTORS_HEAT.get(comma, 1) for comma in self._commas]),
            _split(sum(heats) * _FACTORS_HEAT.get(self._commas[0], 1)),
            self._times(worked_s),
            temperatures,
            pressures,
            mass_flow,
            volume_flow,
        )

    def _flow_totals(self, hours: list[float]) -> tuple[Raw, Raw]:
        masses = [0.0] * CHANNELS
        for course, passed in zip(self._courses, hours, strict=True):
            for channel, mass_per_h in course.flows:
                masses[channel] = mass_per_h * passed
        factors = [_FACTORS_VOLUME.get(comma, 1) for comma in self._commas]
        return _raw(masses, factors), _raw([mass * 1.025 for mass in masses], factors)

    def _times(self, worked_s: int) -> tuple[tuple[int, ...], ...]:
        rows = []
        for course, first in zip(self._courses, self._first_episodes, strict=True):
            episodes = [now - then for now, then in zip(course.episodes_s(worked_s), first, strict=True)]
            rows.append((worked_s - sum(episodes), *episodes))
        rows += [(0, 0, 0, 0, 0)] * (CHANNELS - len(rows))
        return tuple(zip(*rows, strict=True))

    def _sensors(self, worked_s: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
        temperatures, pressures = list(PROGRAMMED_TEMPERATURES), list(PROGRAMMED_PRESSURES)
        for course in self._courses:
            swing = course.wave(worked_s // 3) - 1
            for channel, base in course.temperatures:
                temperatures[channel] = _grain(base + 6 * swing)
            for channel, base in course.pressures:
                if self._used[2] >> channel & 1:
                    pressures[channel] = _grain(base + 0.05 * swing)
        return self._with_nan("T", temperatures), self._with_nan("P", pressures)

    def _flows(self, worked_s: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
        mass_flow, volume_flow = [0.0] * CHANNELS, [0.0] * CHANNELS
        for course in self._courses:
            wave = course.wave(worked_s)
            for channel, mass_per_h in course.flows:
                mass_flow[channel] = _grain(mass_per_h * wave)
                volume_flow[channel] = _grain(mass_per_h * wave * 1.025)
        return self._with_nan("G", mass_flow), self._with_nan("G", volume_flow)

    def _with_nan(self, kind: str, values: list[float]) -> tuple[float, ...]:
        if not self._nan:
            return tuple(values)
        return tuple(math.nan if f"{kind}{n}" in self._nan else value for n, value in enumerate(values, 1))

    def errors(self, since_s: int, until_s: int) -> list[int]:
        """Error byte of each system for a period given in seconds under power (D106, without the bit of power)."""
        found = []
        for course in self._courses:
            grown = zip(_EPISODE_BITS, course.episodes_s(since_s), course.episodes_s(until_s), strict=True)
            found.append(sum(bit for bit, before, after in grown if after > before))
        return found + [0] * (CHANNELS - len(found))


def _split(raw: float) -> tuple[float, int]:
    integer, fraction = divmod(math.floor(raw * _FRACTIONS), _FRACTIONS)
    return fraction / _FRACTIONS, integer & 0xFFFFFFFF


def _raw(totals: list[float], factors: list[int]) -> Raw:
    pairs = [_split(total * factor) for total, factor in zip(totals, factors, strict=True)]
    return tuple(fraction for fraction, _ in pairs), tuple(integer for _, integer in pairs)
