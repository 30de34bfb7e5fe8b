from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from engine.model import Record, RecType
from engine.report.columns import mass_difference
from engine.report.rows import COUNTERS, Period, covered, rows_of
from engine.report.statement import Line, Statement, Subject, make_statement
from tests.fake import statement_data
from tests.fake.statement_data import FACTS, records, statement

AUGUST = datetime(2018, 8, 1)
DAY = {"Q1": 1.0, "M1": 10.0, "M2": 9.0, "T1": 70.0, "T2": 50.0, "Tgood": 24.0, "Tall": 24.0}


def told(made: Statement, line: Line) -> dict[str, str]:
    return {column.key: cell.text for column, cell in zip(made.columns, line.cells, strict=True)}


def by_label(made: Statement) -> dict[str, dict[str, str]]:
    return {line.label: told(made, line) for line in made.lines() if not line.gap}


def test_the_manuals_own_rows_come_out_as_it_prints_them() -> None:
    made = statement(datetime(2018, 7, 29), statement_data.figure_9_2())
    printed = """\
29.07.2018 0.000 0.000 0.000 0.000 0.000 --- 0 71.90 54.63 50.60 17.27 0.70
30.07.2018 0.000 0.000 0.000 0.000 0.000 --- 0 71.97 54.71 50.68 17.26 0.70
31.07.2018 0.000 0.000 0.000 0.000 0.000 --- 0 72.03 54.77 50.74 17.26 0.70
01.08.2018 4.692 3.91 0.78 259.947 214.519 45.43 --- 72.03 54.76 50.75 17.27 0.70
02.08.2018 10.423 8.69 1.74 577.554 476.987 100.57 --- 72.01 54.74 50.72 17.27 0.70
03.08.2018 10.406 8.67 1.73 576.630 476.305 100.32 --- 72.00 54.72 50.70 17.28 0.70
04.08.2018 10.387 8.66 1.73 575.548 475.295 100.25 --- 71.97 54.70 50.67 17.27 0.70
05.08.2018 10.369 8.64 1.73 574.607 474.410 100.2 --- 71.95 54.68 50.65 17.27 0.70"""
    rows = [f"{line.label} {' '.join(cell.text for cell in line.cells[:-1])}" for line in made.lines()]
    assert [row for row in rows if not row.startswith("Итого")] == printed.split("\n")
    assert made.title == "Ведомость учёта параметров ресурсопотребления. Прибор ТЭСМА-106/2 №440020"
    assert made.heading[:2] == (
        "Среднесуточные статистические данные с 29.07.2018 по 05.08.2018",
        "Адрес установки: Москва, пр. Московский, д. 13",
    )


def test_totals_follow_the_manuals_sheet() -> None:
    """Figure 11.5. Its rows are rounded: a mean of them may differ by 0.01, a sum of masses by 0.4."""
    made = statement(datetime(2017, 11, 24), statement_data.figure_11_5(), facts={"Type": "Р-Подача"})
    found = by_label(made)
    november, december, whole = found["Итого 11.2017:"], found["Итого 12.2017:"], found["Итого:"]
    assert (november["T1"], december["T1"], whole["T1"]) == ("70.17", "69.42", "69.80")  # printed 70,17 69,43 69,80
    assert (december["T2"], november["P1"], whole["P2"]) == ("58.20", "0.51", "0.44")
    assert (november["dM1"], december["dM1"], whole["dM1"]) == ("4911.200", "4856.000", "9767.200")
    assert (november["dM+"], november["dM-"]) == ("2", "0.1")
    assert (december["dM+"], december["dM-"], whole["dTgood"]) == ("6.2", "0", "312.00")


def test_the_result_table_is_computed_before_rounding() -> None:
    start = {"Q1": 222.514, "M1": 6369.0, "M2": 6307.34, "Tgood": 608.594, "Tall": 620.0}
    grown = {"Q1": 265.402, "M1": 7594.26, "M2": 7278.02, "Tgood": 718.884, "Tall": 718.884}
    first = datetime(2018, 5, 15)
    data = rows_of(records(first, [grown], **start), 1, Period(RecType.DAY, first, first))
    made = make_statement(Subject("ТЭМ-104", "476842", 1, {**FACTS, "Type": "Р-Подача"}), data)
    items = {item.sign or item.caption: item.value.text for line in made.result for item in line}
    expected = {
        "Тип прибора": "ТЭМ-104", "Номер прибора": "476842", "Тип системы": "Р-Подача", "dTmin": "2.00", "Ду1": "32",
        "Gmin1": "0.08", "Gmax2": "30.00", "Kv1": "", "Fmax2": "", "Tобщ": "718.88", "Tошиб": "0",
        "Tнар.н.п": "608.59", "Tнар.к.п": "1327.48", "Tнар": "718.88", "Q": "265.4", "Q.н.п": "222.51",
        "Q.к.п": "487.92", "M1": "7594.26", "M1.н.п": "6369", "M1.к.п": "13963.26", "M2": "7278.02",
        "M2.н.п": "6307.34", "M2.к.п": "13585.36",
    }  # fmt: skip
    assert {key: items[key] for key in expected} == expected
    assert items["dTGmin"] == ""  # this meter has not told that counter


def test_a_row_bears_the_day_and_the_hour_that_it_covers() -> None:
    assert covered(datetime(2018, 9, 25), RecType.DAY) == datetime(2018, 9, 24)
    assert covered(datetime(2018, 9, 25, 0, 0, 1), RecType.DAY) == datetime(2018, 9, 25)
    assert covered(datetime(2018, 9, 25), RecType.HOUR) == datetime(2018, 9, 24, 23)


def test_missing_days_are_missing_and_the_row_after_them_says_what_it_covers() -> None:
    made = statement(AUGUST, [DAY, None, None, {**DAY, "M1": 30.0}])
    lines = list(made.lines())
    assert [line.gap for line in lines[:4]] == [False, True, True, False]
    assert lines[3].note == "за 3 сут."
    assert told(made, lines[3])["dM1"] == "30.000"
    assert lines[1].cells == ()
    assert told(made, lines[-1])["dM1"] == "40.000"


def unknown(found: list[Record], number: int, *keys: str) -> list[Record]:
    """The same records, one of them without these counters."""
    one = found[number]
    values = {**one.systems[0], **dict.fromkeys(keys, None)}
    return [*found[:number], Record(one.rec_type, one.stamp, (values,)), *found[number + 1 :]]


def printed(found: list[Record], count: int) -> Statement:
    return make_statement(Subject("ТСМ", "1", 1, FACTS), rows_of(found, 1, statement_data.period(AUGUST, count)))


def test_a_counter_that_one_record_does_not_know_is_counted_over_the_gap() -> None:
    made = printed(unknown(records(AUGUST, [DAY] * 10), 5, "M1"), 10)
    lines = list(made.lines())
    total = told(made, lines[-1])
    assert (total["dM1"], total["dM2"], total["dM+"], total["Q"]) == ("100.000", "90.000", "10", "10.000")
    assert (told(made, lines[4])["dM1"], told(made, lines[4])["dM+"], lines[4].note) == ("", "", "")
    assert (told(made, lines[5])["dM1"], told(made, lines[5])["dM2"]) == ("20.000", "9.000")
    assert (told(made, lines[5])["dM+"], lines[5].note) == ("2", "M1 за 2 сут.")
    assert (told(made, lines[6])["dM1"], lines[6].note) == ("10.000", "")
    assert (total["Qот"], total["Qгвс"]) == ("9.80", "0.20")
    [mass, _] = made.graphs()
    assert [curve.points[4:6] for curve in mass.curves] == [(None, None), (9.0, 9.0)]


def test_a_record_that_knows_no_counter_is_told_of_as_a_missing_one() -> None:
    made = printed(unknown(records(AUGUST, [DAY] * 4), 2, *COUNTERS), 4)
    assert [line.note for line in made.lines()] == ["", "", "за 2 сут.", "", ""]
    assert by_label(made)["Итого:"]["dM1"] == "40.000"


def test_a_counters_gap_adds_to_that_of_missing_records() -> None:
    made = printed(unknown(records(AUGUST, [DAY, DAY, None, DAY]), 2, "M2", "Tgood"), 4)
    assert list(made.lines())[3].note == "за 2 сут., M2, Tнар за 3 сут."
    assert by_label(made)["Итого:"]["dM2"] == "27.000"


def test_a_counter_that_is_unknown_before_the_period_counts_from_where_it_was_known() -> None:
    found = unknown(records(AUGUST - timedelta(days=2), [DAY] * 4), 2, "M1")
    made = printed(found, 2)
    assert [line.note for line in made.lines()] == ["M1 за 2 сут.", "", ""]
    items = {item.sign: item.value.text for line in made.result for item in line}
    assert (items["M1.н.п"], items["M1"], items["M1.к.п"]) == ("1010", "30", "1040")


def test_hours_of_errors_are_of_the_time_of_which_both_counters_are_known() -> None:
    made = printed(unknown(records(AUGUST, [{**DAY, "Tgood": 20.0}] * 3), 3, "Tgood"), 3)
    items = {item.sign: item.value.text for line in made.result for item in line}
    assert (items["Tобщ"], items["Tнар"], items["Tошиб"]) == ("72", "40", "8")


def test_nothing_counts_from_before_the_counters_began_anew() -> None:
    found = records(AUGUST, [DAY] * 4)
    low = [Record(RecType.DAY, each.stamp, (dict.fromkeys(each.systems[0], float(n)),)) for n, each in enumerate(found)]
    rows = printed(unknown([*found[:2], *low[2:]], 2, "M1"), 4).data.rows
    assert rows[1].restarted and "M1" not in rows[2].amounts
    assert (mass_difference(rows[2]), rows[3].amounts["M1"]) == (None, 1.0)


def test_of_two_records_of_one_day_the_later_closes_it() -> None:
    found = records(AUGUST, [DAY, DAY])
    early = Record(RecType.DAY, AUGUST + timedelta(hours=10), ({**found[1].systems[0], "M1": 1003.0},))
    for order in ([*found, early], [early, *found]):
        rows = rows_of(order, 1, statement_data.period(AUGUST, 2)).rows
        assert [row.amounts["M1"] for row in rows] == [10.0, 10.0]


def test_of_two_records_of_one_stamp_the_repeated_one_closes_the_hour() -> None:
    found = records(AUGUST, [DAY], RecType.HOUR)
    again = Record(RecType.HOUR, found[1].stamp, ({**found[1].systems[0], "M1": 1025.0},), 2)
    rows = rows_of([again, *found], 1, statement_data.period(AUGUST, 1, RecType.HOUR)).rows
    assert rows[0].amounts["M1"] == 25.0


def test_the_first_row_of_an_archive_has_no_amounts_and_no_zeros() -> None:
    data = rows_of(records(AUGUST, [DAY, DAY])[1:], 1, statement_data.period(AUGUST, 2))
    made = make_statement(Subject("ТСМ", "1", 1, {}), data)
    first = next(made.lines())
    assert told(made, first)["dM1"] == "" and told(made, first)["T1"] == "70.00"
    assert first.note == "нет записи до нее"
    assert {item.sign: item.value.text for line in made.result for item in line}["M1.н.п"] == ""


def test_counters_that_began_anew_give_no_amount() -> None:
    found = records(AUGUST, [DAY, DAY])
    anew = Record(RecType.DAY, found[2].stamp, (dict.fromkeys(found[2].systems[0], 1.0),))
    rows = rows_of([*found[:2], anew], 1, statement_data.period(AUGUST, 2)).rows
    assert rows[1].amounts == {} and rows[1].restarted


def test_only_the_open_system_parts_its_heat() -> None:
    assert {"Qот", "Qгвс"} <= {column.key for column in statement(AUGUST, [DAY]).columns}
    closed = statement(AUGUST, [DAY], facts={"Type": "Р-Подача"})
    assert not {"Qот", "Qгвс"} & {column.key for column in closed.columns}


def test_a_channel_that_the_system_has_not_got_has_no_column() -> None:
    keys = [column.key for column in statement(AUGUST, [DAY]).columns]
    assert keys == ["Q", "Qот", "Qгвс", "dM1", "dM2", "dM+", "dM-", "T1", "T2", "dT", "dTgood"]


def test_the_users_own_columns_stand_in_his_order() -> None:
    made = statement(AUGUST, [DAY], fields=("DateTime", "T1", "Q", "dM", "M1", "dM1", "Err"))
    assert [column.key for column in made.columns] == ["T1", "Q", "dM+", "dM-", "M1", "dM1", "Err"]
    assert [cell.text for cell in next(made.lines()).cells] == ["70.00", "1.000", "1", "---", "1010.000", "10.000", ""]


def test_where_nothing_flowed_the_mean_is_the_plain_one() -> None:
    still = [{**DAY, "M1": 0.0, "M2": 0.0, "T1": 20.0}, {**DAY, "M1": 0.0, "M2": 0.0, "T1": 30.0}]
    assert by_label(statement(AUGUST, still))["Итого:"]["T1"] == "25.00"


def test_a_period_without_any_record_has_rows_that_say_so() -> None:
    made = make_statement(Subject("ТСМ", "1", 1, {}), rows_of([], 1, statement_data.period(AUGUST, 3)))
    assert [line.gap for line in made.lines()] == [True, True, True, False]
    assert made.graphs() == ()


@pytest.mark.parametrize(("kind", "count"), [(RecType.DAY, 31), (RecType.HOUR, 48)])
def test_graphs_have_a_point_for_each_row_and_holes_for_missing_ones(kind: RecType, count: int) -> None:
    days = [None if number == 5 else DAY for number in range(count)]
    mass, heat = statement(AUGUST, days, kind).graphs()
    assert [curve.name for curve in mass.curves + heat.curves] == ["M1", "M2", "T1", "T2"]
    assert all(len(curve.points) == count and curve.points[5] is None for curve in mass.curves + heat.curves)
