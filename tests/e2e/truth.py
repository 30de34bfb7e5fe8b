"""What an emulated meter knows of itself, as an archive and a snapshot should show it.

It shares nothing with the drivers: places and divisors are those of the ТЭМ-106 exchange protocol of 2012-04-23.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from drivers.emulated.tem import Meter, Moment, Written
from engine.formats.archive import Block
from tests.fake.agent_process import AgentProcess, eventually, stored

HEAT_DIVISOR = {6: 100_000, 5: 10_000, 4: 1000, 3: 100, 2: 10}
FLOW_DIVISOR = {5: 1000, 4: 100, 3: 10}
GCAL_PER_MWH = 1 / 1.163
ERRORS = {"1": 0x03, "2": 0x0C, "3": 0x10, "4": 0xE0}
TIMES = ("Tgood", "Tmin", "Tmax", "Tdt", "Terr")
TOTALS = ("Q1", "M1", "V1", "M2", "V2", "Tall", *TIMES)

Key = tuple[str, str]
Texts = Mapping[str, str]


@dataclass(frozen=True)
class Expected:
    """A record: its values by key with the system's number, None for one that is no number."""

    values: Mapping[str, float | str | None]


def records_of(meter: Meter, *conditions: str) -> dict[Key, Expected]:
    """(RecType, DateTime) -> values of everything in the meter's flash of these conditions, "good" if none is named."""
    wanted = conditions or ("good",)
    return {
        (letter, f"{written.made:%d.%m.%y %H:%M:%S}"): Expected(_recorded(meter, written))
        for letter in "HDM"
        for written in meter.records(letter)
        if written.condition in wanted
    }


def current_of(meter: Meter) -> dict[str, float | None]:
    """Values that stand still while the meter's own time does: totals, flows, sensors."""
    moment = meter.moment()
    found: dict[str, float | None] = {}
    for number, system in enumerate(meter.options.system_list, 1):
        values = {**_totals(meter, moment, number - 1), **_sensors(meter, moment, number - 1)}
        for place, channel in enumerate(_channels(system.flows), 1):
            values[f"G{place}"] = _number(moment.mass_flow[channel])
            values[f"Gv{place}"] = _number(moment.volume_flow[channel])
        found |= {f"S{number}{key}": value for key, value in values.items()}
    return found


def assert_shows(shown: Texts, expected: Mapping[str, float | str | None]) -> None:
    """Every expected value stands there as written: within half of its last digit."""
    wrong = [
        f"{key}={shown.get(key)!r}, not {value}" for key, value in expected.items() if not _fits(shown, key, value)
    ]
    assert not wrong, "; ".join(wrong)


def assert_all_true(blocks: Iterable[Block], meter: Meter) -> set[Key]:
    """Every record is the meter's own, once, and every value is the meter's; returns the keys that are there."""
    return assert_all_known(blocks, records_of(meter, "good", "empty", "damaged"))


def assert_all_known(blocks: Iterable[Block], known: Mapping[Key, Expected]) -> set[Key]:
    """The same for what was once known: a meter writes over its oldest records. Events that the agent made are not."""
    seen: set[Key] = set()
    for block in blocks:
        texts = texts_of(block)
        if texts.get("Source") == "agent":
            continue
        key = (texts["RecType"], texts["DateTime"])
        assert key in known, f"the meter never wrote {key}"
        assert key not in seen, f"{key} is stored twice"
        seen.add(key)
        assert_shows(texts, known[key].values)
    return seen


def wait_for_archive(agent: AgentProcess, dev_number: str, meter: Meter) -> None:
    """Until all that the meter has is stored. Its time should stand still."""
    wanted = len(records_of(meter))

    def has_all() -> bool:
        return len(stored(agent.root, dev_number, growing=True)) >= wanted

    eventually(has_all, f"{wanted} records of {dev_number}", agent)


def assert_growth_adds_up(blocks: Iterable[Block]) -> None:
    """Each dX is the X of this record less the X of the record before it in the file; the first has none."""
    before: dict[str, Texts] = {}
    for block in blocks:
        texts = texts_of(block)
        earlier = before.get(texts["RecType"])
        for key in [key for key in texts if key[2:] in TOTALS]:
            growth = texts[f"{key[:2]}d{key[2:]}"]
            if earlier is None:
                assert growth == "", f"{texts['DateTime']} {key}"
            else:
                assert abs(float(growth) - (float(texts[key]) - float(earlier[key]))) < 1e-6, texts["DateTime"]
        before[texts["RecType"]] = texts


def texts_of(block: Block) -> dict[str, str]:
    """Keys and texts of a record."""
    return dict(line.split("=", 1) for line in block.text.splitlines()[1:] if line)


def _fits(shown: Texts, key: str, value: float | str | None) -> bool:
    text = shown.get(key)
    if text is None or value is None or isinstance(value, str):
        return text == (value or "")
    places = len(text.partition(".")[2])
    try:
        return abs(float(text) - value) <= 0.5 * 10**-places + 1e-6
    except ValueError:
        return False


def _recorded(meter: Meter, written: Written) -> dict[str, float | str | None]:
    found: dict[str, float | str | None] = {}
    for index in range(len(meter.options.system_list)):
        values: dict[str, float | str | None] = {**_totals(meter, written.moment, index)}
        values |= _sensors(meter, written.moment, index)
        values["Tall"] = written.moment.powered_s / 3600
        byte = written.errors[index]
        values["Err"] = "".join(number for number, bits in ERRORS.items() if byte & bits) or "0"
        found |= {f"S{index + 1}{key}": value for key, value in values.items()}
    return found


def _totals(meter: Meter, moment: Moment, index: int) -> dict[str, float | None]:
    commas = meter.options.commas
    values: dict[str, float | None] = {
        "Q1": _raw(moment.heat, index) / HEAT_DIVISOR.get(commas[index], 1) * GCAL_PER_MWH
    }
    for place, channel in enumerate(_channels(meter.options.system_list[index].flows), 1):
        divisor = FLOW_DIVISOR.get(commas[channel], 1)
        values[f"M{place}"] = _raw(moment.mass, channel) / divisor
        values[f"V{place}"] = _raw(moment.volume, channel) / divisor
    for name, row in zip(TIMES, moment.times_s, strict=True):
        values[name] = row[index] / 3600
    return values


def _sensors(meter: Meter, moment: Moment, index: int) -> dict[str, float | None]:
    system = meter.options.system_list[index]
    temperatures = zip(range(1, 4), _channels(system.temperatures), strict=False)
    pressures = zip(range(1, 4), _channels(system.pressures), strict=False)
    values = {f"T{place}": _number(moment.temperatures[channel]) for place, channel in temperatures}
    # A record has room for six pressures only.
    return values | {f"P{place}": _number(moment.pressures[channel]) for place, channel in pressures if channel < 6}


def _raw(totals: tuple[tuple[float, ...], tuple[int, ...]], index: int) -> float:
    fractions, integers = totals
    return integers[index] + fractions[index]


def _number(value: float) -> float | None:
    return value if value == value else None


def _channels(mask: int) -> tuple[int, ...]:
    return tuple(bit for bit in range(8) if mask >> bit & 1)
