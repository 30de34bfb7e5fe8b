from __future__ import annotations

import pytest

from drivers.emulated.faults import FAULTS, Fault, Faulty
from drivers.emulated.tem import Meter, Options, disguises
from tests.fake.tem_request import IDENTIFY, flash_request, memory_request, payload

ID_ANSWER = bytes.fromhex("AA 01 FE 00 00 07 54 53 4D 2D 31 30 34 99")
SERIAL = memory_request(0x152, 4)


def faulty(*texts: str, seed: int = 0) -> Faulty:
    meter = Meter()
    return Faulty(meter, [Fault.parse(text) for text in texts], seed, disguises(meter))


def test_a_silent_meter_says_nothing() -> None:
    assert faulty("silent").pieces(IDENTIFY) == []


def test_every_nth_answer_and_no_other_is_concerned() -> None:
    meter = faulty("silent:3")
    assert [bool(meter.hear(IDENTIFY)) for _ in range(7)] == [True, True, False, True, True, False, True]


def test_a_slow_answer_comes_whole_after_its_time() -> None:
    assert faulty("slow:1:2.5").pieces(IDENTIFY) == [(2.5, ID_ANSWER)]


def test_a_pause_parts_an_answer() -> None:
    (first_s, first), (second_s, second) = faulty("pause:1:0.4").pieces(IDENTIFY)
    assert (first_s, second_s, first + second) == (0, 0.4, ID_ANSWER)
    assert first and second


def test_noise_stands_before_and_after() -> None:
    answer = faulty("noise").hear(IDENTIFY)
    assert ID_ANSWER in answer
    assert not answer.startswith(ID_ANSWER) and not answer.endswith(ID_ANSWER)


def test_an_echo_comes_first_even_of_what_is_not_answered() -> None:
    meter = faulty("echo")
    assert meter.pieces(IDENTIFY) == [(0, IDENTIFY), (0, ID_ANSWER)]
    assert meter.hear(b"\x00") == b"\x00"


def test_an_echo_comes_of_a_silent_meter_too() -> None:
    assert faulty("silent", "echo").hear(IDENTIFY) == IDENTIFY


@pytest.mark.parametrize("amount", [1, 5, 14])
def test_a_cut_answer_lacks_its_end(amount: int) -> None:
    assert faulty(f"cut:1:{amount}").hear(IDENTIFY) == ID_ANSWER[: len(ID_ANSWER) - amount]


def test_a_cut_answer_is_never_whole() -> None:
    meter = faulty("cut")
    answers = [meter.hear(IDENTIFY) for _ in range(50)]
    assert all(ID_ANSWER.startswith(answer) and answer != ID_ANSWER for answer in answers)


def test_a_damaged_answer_differs_in_one_byte() -> None:
    meter = faulty("damaged:2")
    answers = [meter.hear(IDENTIFY) for _ in range(40)]
    wrong = [sum(a != b for a, b in zip(answer, ID_ANSWER, strict=True)) for answer in answers]
    assert wrong == [0, 1] * 20


def test_a_false_start_byte_stands_before_the_frame() -> None:
    assert faulty("false-start").hear(IDENTIFY) == b"\xaa" + ID_ANSWER


def test_a_late_meter_answers_the_request_before() -> None:
    meter = faulty("late")
    assert meter.hear(IDENTIFY) == b""
    assert meter.hear(SERIAL) == ID_ANSWER
    assert payload(meter.hear(IDENTIFY)) == bytes.fromhex("00 07 46 31")


def test_a_wrong_address_stands_in_a_whole_frame() -> None:
    answer = faulty("wrong-address").hear(IDENTIFY)
    assert payload(answer) == b"TSM-104"
    assert answer[1] == 2


def test_another_id_is_told() -> None:
    assert payload(faulty("other-id").hear(IDENTIFY)) == b"TEM-106"


def test_another_serial_number_is_told_and_all_else_is_the_same() -> None:
    meter = faulty("other-serial")
    assert payload(meter.hear(memory_request(0x150, 8)))[2:6] == (476722).to_bytes(4, "big")
    assert meter.hear(memory_request(0x482, 6)) == Meter().hear(memory_request(0x482, 6))


def test_a_disguise_lives_with_its_meter() -> None:
    meter = Meter(Options(records=(1, 0, 0)))
    other = Faulty(meter, [Fault("other-serial")], 0, disguises(meter))
    other.elapse(7200)
    assert other.hear(flash_request(0x180, 64)) == meter.hear(flash_request(0x180, 64)) != b""


def test_faults_are_the_same_for_the_same_seed() -> None:
    texts = ("noise", "damaged:2", "cut:3")
    runs = [[meter.hear(IDENTIFY) for _ in range(20)] for meter in (faulty(*texts), faulty(*texts))]
    other = faulty(*texts, seed=7)
    assert runs[0] == runs[1] != [other.hear(IDENTIFY) for _ in range(20)]


def test_a_pause_of_the_line_reaches_meter_and_disguise() -> None:
    meter = faulty("other-id")
    meter.hear(IDENTIFY[:5])
    meter.pause()
    assert meter.hear(IDENTIFY[5:]) == b""
    assert payload(meter.hear(IDENTIFY)) == b"TEM-106"


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_can_be_asked_for_by_name(name: str) -> None:
    meter = faulty(name)
    for _ in range(3):
        meter.hear(IDENTIFY)
    assert [fault.name for fault in meter.faults] == [name]


@pytest.mark.parametrize("text", ["", "loud", "echo:x", "echo:0", "slow:1:-1", "slow:1:2:3", "cut:1.5"])
def test_what_is_no_fault_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match="помех"):
        Fault.parse(text)
