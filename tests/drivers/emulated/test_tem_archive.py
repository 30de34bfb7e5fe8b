"""The flash against what the meter says that it wrote; offsets are those of the ТЭМ-106 exchange protocol."""

from __future__ import annotations

import struct
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from drivers.emulated.tem import Meter, Options, Written
from tests.fake.tem_request import flash, memory

NOW = datetime(2026, 9, 25, 14, 30)
SIZE = 0x180
HOUR = timedelta(hours=1)


def stamp(data: bytes) -> datetime:
    hour, day, month, year = (int(f"{byte:02x}") for byte in data)
    return datetime(2000 + year, month, day, hour)


def numbers(data: bytes, offset: int, form: str) -> tuple[float, ...]:
    return struct.unpack_from(f">{form}", data, offset)


def pointers(meter: Meter) -> tuple[int, ...]:
    return struct.unpack(">3L", memory(meter, 0x4F4, 12))


def the_record(meter: Meter, place: int) -> bytes:
    return flash(meter, place * SIZE, SIZE)


def assert_same(data: bytes, written: Written) -> None:
    moment = written.moment
    assert stamp(data[:4]) == written.made
    assert stamp(data[0x175:0x179]) == written.since
    for offset, (fractions, integers) in ((0x04, moment.volume), (0x34, moment.mass), (0x64, moment.heat)):
        assert numbers(data, offset, "6f") == fractions
        assert numbers(data, offset + 0x18, "6L") == integers
    assert numbers(data, 0x94, "fL") == moment.heat_total
    assert numbers(data, 0x9C, "L") == (moment.powered_s,)
    for number, row in enumerate(moment.times_s):
        assert numbers(data, 0xA0 + 0x18 * number, "6L") == row
    assert tuple(data[0x118:0x11E]) == written.commas
    assert numbers(data, 0x11E, "7f") == pytest.approx(moment.temperatures)
    assert numbers(data, 0x13A, "6f") == pytest.approx(moment.pressures[:6])
    assert numbers(data, 0x152, "6f") == moment.mass_flow
    assert tuple(data[0x16A:0x170]) == written.errors


@pytest.mark.parametrize("letter", ["H", "D", "M"])
def test_the_flash_holds_what_was_written(letter: str) -> None:
    meter = Meter(Options("tem106", records=(30, 20, 10), commas=(6, 5, 4, 3, 2, 0)), NOW)
    for written in meter.records(letter):
        data = the_record(meter, written.place)
        assert_same(data, written)
        assert sum(data[:0x17F]) % 256 == data[0x17F]


@pytest.mark.parametrize(
    ("flash_kb", "firsts", "counts"),
    [(512, (0, 864, 1232), (864, 368, 128)), (1024, (0, 1728, 2464), (1728, 736, 256))],
)
def test_full_archives_fill_their_places_and_pointers_turn_with_them(
    flash_kb: int, firsts: tuple[int, int, int], counts: tuple[int, int, int]
) -> None:
    meter = Meter(Options("tem106", flash_kb=flash_kb, records=counts), NOW)
    for letter, first, count, pointer in zip("HDM", firsts, counts, pointers(meter), strict=True):
        records = meter.records(letter)
        assert {written.place for written in records} == set(range(first, first + count))
        following, rest = divmod(pointer - 0x200000, SIZE)
        assert rest == 0
        assert following == meter.next_place(letter) == records[0].place
        assert records[-1].place == first + (following - 1 - first) % count
        assert [w.made for w in records] == sorted({w.made for w in records})
        for written in (records[0], records[count // 2], records[-1]):
            assert_same(the_record(meter, written.place), written)


def test_newest_records_are_the_last_full_hour_day_and_report_date() -> None:
    meter = Meter(Options("tem106", records=(3, 3, 3), report_day=25), NOW)
    hour, day, month = (meter.records(letter)[-1] for letter in "HDM")
    assert (hour.made, hour.since) == (datetime(2026, 9, 25, 14), datetime(2026, 9, 25, 13))
    assert (day.made, day.since) == (datetime(2026, 9, 25), datetime(2026, 9, 24))
    assert (month.made, month.since) == (datetime(2026, 9, 25), datetime(2026, 8, 25))


def test_a_report_day_that_a_month_lacks_is_its_last_day() -> None:
    meter = Meter(Options("tem106", records=(0, 0, 8), report_day=31), NOW)
    assert [w.made.strftime("%d.%m") for w in meter.records("M")][:3] == ["31.01", "28.02", "31.03"]


def test_an_archive_that_is_not_full_starts_at_its_first_place() -> None:
    meter = Meter(Options("tem106", records=(5, 4, 3)), NOW)
    assert [w.place for w in meter.records("D")] == [864, 865, 866, 867]
    assert pointers(meter) == (0x200000 + 5 * SIZE, 0x200000 + 868 * SIZE, 0x200000 + 1235 * SIZE)
    assert the_record(meter, 868) == b"\xff" * SIZE


def test_the_next_place_can_be_chosen() -> None:
    meter = Meter(Options("tem106", records=(5, 0, 0), next_places=(2, 0, 0)), NOW)
    assert [w.place for w in meter.records("H")] == [861, 862, 863, 0, 1]


def test_records_are_written_as_hours_days_and_report_dates_pass() -> None:
    meter = Meter(Options("tem106", records=(2, 1, 1)), datetime(2026, 9, 30, 21, 59, 59))
    meter.live(datetime(2026, 9, 30, 22))
    assert [w.made.hour for w in meter.records("H")] == [20, 21, 22]
    meter.live(datetime(2026, 10, 1, 1, 15))
    assert [w.made.hour for w in meter.records("H")] == [20, 21, 22, 23, 0, 1]
    assert [w.made.day for w in meter.records("D")] == [30, 1]
    assert [w.made.month for w in meter.records("M")] == [9, 10]
    for letter in "HDM":
        for written in meter.records(letter):
            assert_same(the_record(meter, written.place), written)


def test_living_writes_the_same_records_whatever_the_steps() -> None:
    quick, slow = (Meter(Options("tem106", records=(3, 1, 1)), NOW) for _ in range(2))
    quick.live(NOW + timedelta(days=2))
    for minutes in range(17, 2 * 24 * 60, 17):
        slow.live(NOW + timedelta(minutes=minutes))
    slow.live(NOW + timedelta(days=2))
    assert [quick.records(letter) for letter in "HDM"] == [slow.records(letter) for letter in "HDM"]
    assert quick.moment() == slow.moment()


def test_a_full_ring_writes_over_its_oldest_record() -> None:
    meter = Meter(Options("tem106", flash_kb=512, records=(864, 0, 0)), NOW)
    oldest = meter.records("H")[0]
    meter.live(NOW + HOUR)
    records = meter.records("H")
    assert len(records) == 864
    assert records[-1].place == oldest.place
    assert oldest.made not in {written.made for written in records}
    assert_same(the_record(meter, oldest.place), records[-1])


def test_history_joins_life_without_a_seam() -> None:
    meter = Meter(Options("tem106", records=(3, 0, 0)), NOW)
    meter.live(NOW + 2 * HOUR)
    powered = [written.moment.powered_s for written in meter.records("H")]
    assert [later - earlier for earlier, later in pairwise(powered)] == [3600] * 4


def test_totals_never_fall_from_record_to_record() -> None:
    meter = Meter(Options("tem106", flash_kb=1024, records=(500, 300, 100)), NOW)
    for letter in "HDM":
        totals = [[i + f for f, i in zip(*raw, strict=True)] for w in meter.records(letter) for raw in (w.moment.mass,)]
        assert all(a <= b for one, two in pairwise(totals) for a, b in zip(one, two, strict=True))


def test_hours_without_power_have_no_record_and_count_nothing() -> None:
    gap = (datetime(2026, 9, 25, 5, 40), datetime(2026, 9, 25, 8, 20))
    meter = Meter(Options("tem106", records=(10, 1, 0), gaps=(gap,)), NOW)
    records = meter.records("H")
    assert len(records) == 10
    assert {6, 7, 8}.isdisjoint({w.made.hour for w in records})
    before, after = (next(w for w in records if w.made.hour == hour) for hour in (5, 9))
    assert after.moment.powered_s - before.moment.powered_s == 80 * 60
    assert [w.made.hour for w in records if w.errors[0] & 0x80] == [9]


def test_power_can_fail_in_life() -> None:
    meter = Meter(Options("tem106", records=(1, 0, 0)), NOW)
    powered = meter.moment().powered_s
    meter.power_off(NOW + 5 * HOUR)
    meter.live(NOW + 6 * HOUR)
    assert [w.made.hour for w in meter.records("H")] == [14, 20]
    assert meter.moment().powered_s - powered == 3600
    assert meter.records("H")[-1].errors[0] & 0x80


def test_a_clock_set_back_writes_the_same_stamps_with_another_powered_time() -> None:
    meter = Meter(Options("tem106"), NOW)
    meter.live(NOW + HOUR)
    meter.set_clock(NOW)
    meter.live(NOW + HOUR)
    first, second = meter.records("H")
    assert first.made == second.made
    assert second.moment.powered_s - first.moment.powered_s == 3600


def test_pointers_can_fit_no_archive() -> None:
    meter = Meter(Options("tem106", records=(5, 5, 5), pointers=False), NOW)
    for first, count, pointer in zip((0, 864, 1232), (864, 368, 128), pointers(meter), strict=True):
        place, rest = divmod(pointer - 0x200000, SIZE)
        assert rest or not first <= place < first + count
    meter.live(NOW + HOUR)
    assert pointers(meter)[2] == 0


def test_sums_of_records_can_be_of_another_kind() -> None:
    meter = Meter(Options("tem106", records=(5, 0, 0), sums=False), NOW)
    for written in meter.records("H"):
        data = the_record(meter, written.place)
        assert sum(data[:0x17F]) % 256 != data[0x17F]
        assert_same(data, written)


def test_places_can_be_empty_or_damaged() -> None:
    damaged = (("H", 1), ("H", 2), ("D", 0))
    meter = Meter(Options("tem106", records=(6, 2, 0), empty=(("H", 0),), damaged=damaged), NOW)
    hours, days = meter.records("H"), meter.records("D")
    assert [w.condition for w in hours] == ["good"] * 3 + ["damaged"] * 2 + ["empty"]
    assert [w.condition for w in days] == ["good", "damaged"]
    assert the_record(meter, hours[-1].place) == b"\xff" * SIZE
    for written in (hours[-2], days[-1]):
        data = the_record(meter, written.place)
        assert sum(data[:0x17F]) % 256 != data[0x17F]
    with pytest.raises(ValueError, match="3e"):
        stamp(the_record(meter, hours[-3].place)[:4])


def test_faults_in_a_period_set_the_bits_of_their_time_counters() -> None:
    meter = Meter(Options("tem106", records=(800, 0, 0)), NOW)
    records = meter.records("H")
    seen = 0
    for earlier, later in pairwise(records):
        for system in range(3):
            grown = [later.moment.times_s[row][system] > earlier.moment.times_s[row][system] for row in (1, 2, 3, 4)]
            bits = [bool(later.errors[system] & bit) for bit in (0x01, 0x04, 0x10, 0x20)]
            assert bits == grown
            seen |= later.errors[system]
    assert seen == 0x35
