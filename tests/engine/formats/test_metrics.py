"""The text format of Prometheus, read back by Prometheus' own parser."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from engine.formats.metrics import Family, metrics_text
from tests.fake.prometheus import read


def test_a_counter_and_a_gauge_as_they_are_written() -> None:
    polls, memory = Family("tsm_polls_total", "Readings."), Family("process_resident_memory_bytes", "Memory.")
    polls.add(7, device="440020", file="a.ini")
    memory.add(31457280)
    text = metrics_text([polls, memory])
    assert text == (
        "# HELP tsm_polls_total Readings.\n# TYPE tsm_polls_total counter\n"
        'tsm_polls_total{device="440020",file="a.ini"} 7\n'
        "# HELP process_resident_memory_bytes Memory.\n# TYPE process_resident_memory_bytes gauge\n"
        "process_resident_memory_bytes 31457280\n"
    )
    assert read(text)["tsm_polls"] == ("counter", [({"device": "440020", "file": "a.ini"}, 7.0)])


def test_what_is_not_known_is_absent() -> None:
    family = Family("tsm_device_online", "Whether it answers.")
    family.add(None, device="1")
    assert metrics_text([family]) == ""


@given(
    st.lists(
        st.tuples(st.text(max_size=30), st.floats(allow_nan=False, allow_infinity=False)),
        min_size=1,
        max_size=5,
        unique_by=lambda each: each[0],
    )
)
def test_any_label_and_any_value_is_read_back(samples: list[tuple[str, float]]) -> None:
    family = Family("tsm_x_seconds", 'A "meaning"\nin \\two lines.')
    for label, value in samples:
        family.add(value, reason=label)
    kind, found = read(metrics_text([family]))["tsm_x_seconds"]
    assert kind == "gauge"
    assert [(labels["reason"], value) for labels, value in found] == samples
    assert all(math.isfinite(value) for _, value in found)
