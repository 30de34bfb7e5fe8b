"""What is looked at, by the settings: readings, control sensors, silences, trends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from engine.alert.change import Sight, Subject, What
from engine.alert.forecast import Trend, forecast_sight
from engine.alert.watching import (
    Watch,
    contact_sights,
    error_sights,
    inferred_errors,
    link_sight,
    measured,
    silence_sight,
    temperature_sights,
    with_inferred,
)
from engine.dialect.device_types import LORA
from engine.model import Reading
from engine.runtime.contacts import Contacts
from engine.settings import DeviceSettings, Settings


class Senses:
    """Used by the main thread. `now_s` is monotonic throughout."""

    def __init__(self, watch: Watch) -> None:
        self.contacts = Contacts()
        self._watch = watch
        self._silence_s = 0
        self._forecasts = False
        self._devices: dict[str, DeviceSettings] = {}
        self._heard_s: dict[str, float] = {}
        self._inferred: dict[str, tuple[str, ...]] = {}
        self._trends: dict[tuple[str, int, str], Trend] = {}

    @property
    def problems(self) -> list[str]:
        """Why something is not watched."""
        return self.contacts.problems

    def apply(self, settings: Settings, now_s: float) -> None:
        """A device that is new counts as heard at this moment."""
        self._silence_s, self._forecasts = settings.agent.alert_silence_s, settings.agent.alert_forecast
        self._devices = {device.file: device for device in settings.devices if device.enabled}
        self._heard_s = {file: self._heard_s.get(file, now_s) for file in self._devices}
        self._inferred = {}
        self._trends = {key: trend for key, trend in self._trends.items() if key[0] in self._devices}
        self.contacts.forget()

    def rest(self, files: Iterable[str], now_s: float) -> None:
        """Whom nobody asks cannot answer."""
        self._heard_s |= dict.fromkeys(files, now_s)

    def is_silent(self, file: str, now_s: float) -> bool:
        """Whether there was no reading for too long."""
        return 0 < self._silence_s < now_s - self._heard_s.get(file, now_s)

    def of_reading(
        self, key: str, settings: DeviceSettings, reading: Reading, told: Reading, now_s: float
    ) -> Iterator[Sight]:
        """All that a reading of the device `key` says; `told` is the same without what was inferred."""
        self._heard_s[settings.file] = now_s
        yield from self.recovered(key)
        before, self._inferred[key] = self._inferred.get(key, ()), inferred_errors(reading, told)
        yield from error_sights(key, with_inferred(reading, before))
        yield from temperature_sights(key, reading, settings.limits, self._watch)
        yield from contact_sights(key, reading, settings.limits)
        if self._forecasts:
            yield from self._forecast(key, settings, reading, now_s)

    def recovered(self, key: str) -> Iterator[Sight]:
        """A device that answers is on line, and not silent."""
        yield link_sight(key)
        yield silence_sight(key, self._silence_s, silent=False)

    def forget_unwatched(self, keys: Mapping[str, str]) -> None:
        """What nobody watches any more is no alarm; `keys` are those of all devices by their files.

        A file whose device is not known yet may be another one's under a new name: then no device is forgotten. Nobody
        polls one that is switched off or a LoRaWAN module: their numbers are never known.
        """
        by_key = {key: self._devices.get(file) for file, key in keys.items()}
        polled = (key for key, device in by_key.items() if device is not None and device.dev_type != LORA)
        all_known = not any(key.startswith("@") for key in polled)
        for sight in list(self._watch.states.values()):
            device = sight.subject.device
            gone = all_known and device not in by_key
            settings = by_key.get(device)
            if gone or (device in by_key and (settings is None or not self._is_watched(sight.subject, settings))):
                del self._watch.states[sight.subject.key]

    def _is_watched(self, subject: Subject, settings: DeviceSettings) -> bool:
        limits = settings.limits
        if subject.what in (What.TEMPERATURE, What.FORECAST):
            channels = {(system, f"T{channel}") for system, channel, _ in limits.t_min}
            return (subject.system, subject.place) in channels and (subject.what is What.TEMPERATURE or self._forecasts)
        if subject.what is What.CONTACT:
            first, second = (limits.sw1, limits.sw1_source), (limits.sw2, limits.sw2_source)
            wanted, source = first if subject.place == "SW1" else second
            return bool(wanted) and bool(source) == (subject.system == 0)
        return subject.what is not What.SILENCE or self._silence_s > 0

    def _forecast(self, key: str, settings: DeviceSettings, reading: Reading, now_s: float) -> Iterator[Sight]:
        for number, channel, least in settings.limits.t_min:
            value = measured(reading, number, f"T{channel}")
            if value is None:
                continue
            trend = self._trends.setdefault((settings.file, number, f"T{channel}"), Trend())
            trend.add(now_s, value)
            subject = Subject(key, What.FORECAST, number, f"T{channel}")
            sight = forecast_sight(subject, trend, value, least, warned=self._watch.is_alarming(subject))
            if sight is not None:
                yield sight
