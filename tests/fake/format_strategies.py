"""Values, records and events as a meter could tell them, for property tests of the formats."""

from __future__ import annotations

from datetime import datetime

from hypothesis import strategies as st

from engine.formats import fields, values
from engine.model import Event, Record, RecType, Value

STAMPS = st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31)).map(lambda at: at.replace(microsecond=0))
LETTERS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
TEXTS = LETTERS.map(values.clean).filter(bool)


def value_of(key: str) -> st.SearchStrategy[Value]:
    """A value of `key` that its text tells without loss."""
    places = values.decimals(key)
    if places is None:
        return st.none() | TEXTS
    return st.none() | st.integers(-(10**9), 10**9).map(lambda whole: whole / 10**places)


def systems_of(keys: tuple[str, ...]) -> st.SearchStrategy[tuple[dict[str, Value], ...]]:
    """Up to three systems, each with some of `keys`; the last has at least one, else no text could tell it."""
    some = st.fixed_dictionaries({}, optional={key: value_of(key) for key in keys})
    return st.lists(some, max_size=3).map(tuple).filter(lambda systems: not systems or bool(systems[-1]))


RECORDS = st.builds(
    Record,
    st.sampled_from([RecType.HOUR, RecType.DAY, RecType.MONTH]),
    STAMPS,
    systems_of(fields.RECORD_KEYS),
    st.integers(1, 5),
)
EVENTS = st.builds(
    Event,
    STAMPS,
    st.fixed_dictionaries(
        {key: st.none() | TEXTS for key in fields.EVENT_MANUAL},
        optional={"Sys": st.integers(0, 6), "Code": st.integers(1, 99), "State": st.integers(0, 1), "Text": TEXTS},
    ),
)
