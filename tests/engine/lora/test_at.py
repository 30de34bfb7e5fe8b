"""Both dialects of the module, on the exchanges of the maker's manuals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from engine.errors import NoAnswer, Refused
from engine.lora.air import payload_limit_bytes, silence_s, time_on_air_s
from engine.lora.at import (
    Ask,
    NotJoined,
    NotNow,
    SecondFirmware,
    Silent,
    Talk,
    ThirdFirmware,
    TooLong,
    dialect,
    identify,
    speaks,
)  # fmt: skip
from engine.settings.lora import LoraSettings

APP_KEY = "b" * 32
OTAA = LoraSettings(app_eui="a" * 16, app_key="b" * 32, port=2)
ABP = LoraSettings(join="abp", dev_addr="26011bda", nwks_key="c" * 32, apps_key="d" * 32, confirmed=False, adr=False)


def run(talk: Talk[object], *answers: str) -> tuple[list[str], object]:
    """Carry a dialogue; each answer is what the module says to one command, its lines divided by `/`."""
    told, left = [], list(answers)
    try:
        ask: Ask = next(talk)
        while True:
            told.append(ask.command)
            lines = [line for line in (left.pop(0) if left else "").split("/") if speaks(line)]
            ask = talk.send(lines)
    except StopIteration as end:
        assert not left, f"never asked for: {left}"
        return told, end.value


@pytest.mark.parametrize(
    ("answer", "generation"),
    [
        ("OK2.0.3.0", 2),
        ("OK V3.0.0.14.H", 3),
        ("Welcome to RAK811/OK2.0.3.0", 2),
        ("OK3.0.1", 3),
        ("OK V3.0.0.13.L.T3", 3),
    ],
)
def test_the_firmware_is_known_by_its_version(answer: str, generation: int) -> None:
    assert run(identify(), answer) == (["at+version"], generation)


def test_a_module_that_slept_is_asked_again_and_one_that_says_nothing_is_told() -> None:
    assert run(identify(), "", "OK2.0.3.0")[1] == 2
    with pytest.raises(Silent, match=r"at\+version"):
        run(identify())
    with pytest.raises(Refused, match="прошивка модуля 1"):
        dialect(1, OTAA)


def test_firmware_2_is_set_up_for_the_network() -> None:
    told, _ = run(SecondFirmware(OTAA).configure(), *["OK"] * 6)
    assert told == [
        "at+mode=0", "at+band=EU868", f"at+set_config=app_eui:{'a' * 16}", f"at+set_config=app_key:{APP_KEY}",
        "at+set_config=adr:on", "at+dr=0",
    ]  # fmt: skip
    told, _ = run(SecondFirmware(ABP).configure(), *["OK"] * 7)
    assert told[2:6] == [
        "at+set_config=dev_addr:26011bda", f"at+set_config=nwks_key:{'c' * 32}", f"at+set_config=apps_key:{'d' * 32}",
        "at+set_config=adr:off",
    ]  # fmt: skip


def test_firmware_3_is_set_up_for_the_network() -> None:
    told, _ = run(ThirdFirmware(OTAA).configure(), "OK/Initialization OK", *["OK "] * 8)
    assert told == [
        "at+set_config=lora:work_mode:0", "at+set_config=lora:join_mode:0", "at+set_config=lora:region:EU868",
        "at+set_config=lora:class:0", f"at+set_config=lora:app_eui:{'a' * 16}", f"at+set_config=lora:app_key:{APP_KEY}",
        "at+set_config=lora:confirm:1", "at+set_config=lora:adr:1", "at+set_config=lora:dr:0",
    ]  # fmt: skip
    assert (
        run(ThirdFirmware(ABP).configure(), "Initialization OK", *["OK "] * 9)[0][1] == "at+set_config=lora:join_mode:1"
    )


def test_a_key_that_is_refused_is_not_told() -> None:
    for spoken, answers in (
        (SecondFirmware(OTAA), ["OK"] * 3 + ["ERROR-1"]),
        (ThirdFirmware(OTAA), ["OK"] * 5 + ["ERROR: 2"]),
    ):
        answers[0] = "Initialization OK" if spoken.longest_bytes() > 64 else "OK"
        with pytest.raises(Refused) as refused:
            run(spoken.configure(), *answers)
        assert "app_key" in str(refused.value) and "bbbb" not in str(refused.value)


@pytest.mark.parametrize(
    ("settings", "make", "asked", "answer"),
    [
        (OTAA, SecondFirmware, "at+join=otaa", "OK/at+recv=3,0,0"),
        (ABP, SecondFirmware, "at+join=abp", "OK"),
        (OTAA, ThirdFirmware, "at+join", "OK Join Success"),
    ],
)
def test_joining(
    settings: LoraSettings, make: Callable[[LoraSettings], SecondFirmware], asked: str, answer: str
) -> None:
    assert run(make(settings).join(), answer) == ([asked], None)


@pytest.mark.parametrize("answer", ["OK/at+recv=4,0,0", "OK/at+recv=6,0,0", "ERROR-4"])
def test_firmware_2_tells_that_it_was_not_let_in(answer: str) -> None:
    with pytest.raises(NoAnswer, match="вход в сеть не удался"):
        run(SecondFirmware(OTAA).join(), answer)


@pytest.mark.parametrize("answer", ["ERROR: 99", "ERROR: RUI_AT_LORA_INFO_STATUS_JOIN_FAIL 99"])
def test_firmware_3_tells_that_it_was_not_let_in(answer: str) -> None:
    with pytest.raises(NoAnswer, match="вход в сеть не удался"):
        run(ThirdFirmware(OTAA).join(), answer)


UNCONFIRMED = replace(OTAA, confirmed=False)


@pytest.mark.parametrize(
    ("spoken", "asked", "answers"),
    [
        (SecondFirmware(UNCONFIRMED), ["at+send=0,2,010203040506"], ["OK/at+recv=2,0,0"]),
        (SecondFirmware(OTAA), ["at+send=1,2,010203040506"], ["OK/at+recv=1,0,0/at+recv=0,2,10,30313233343536373839"]),
        (SecondFirmware(OTAA), ["at+send=1,2,010203040506"], ["OK/at+recv=0,11,-77,26,4,65666768/at+recv=1,0,0"]),
        (ThirdFirmware(UNCONFIRMED), ["at+send=lora:2:010203040506"], ["OK "]),
        (ThirdFirmware(OTAA), ["at+send=lora:2:010203040506"], ["OK /at+recv=0,-105,-12,0"]),
        (ThirdFirmware(OTAA), ["at+send=lora:2:010203040506", ""], ["OK ", "at+recv=0,-105,-12,0"]),
    ],
)
def test_an_uplink_is_sent(spoken: SecondFirmware, asked: list[str], answers: list[str]) -> None:
    assert run(spoken.send(bytes(range(1, 7))), *answers) == (asked, None)


@pytest.mark.parametrize(
    ("spoken", "answers", "error"),
    [
        (SecondFirmware(OTAA), ["OK/at+recv=2,0,0"], NoAnswer),
        (SecondFirmware(OTAA), ["OK/at+recv=6,0,0"], NoAnswer),
        (SecondFirmware(UNCONFIRMED), ["OK/at+recv=5,0,0"], NoAnswer),
        (SecondFirmware(OTAA), ["ERROR-5"], NotJoined),
        (SecondFirmware(OTAA), ["ERROR-6"], NotNow),
        (SecondFirmware(OTAA), ["ERROR-13"], TooLong),
        (SecondFirmware(OTAA), ["ERROR-1"], Refused),
        (SecondFirmware(OTAA), [""], Silent),
        (ThirdFirmware(OTAA), ["OK ", ""], NoAnswer),
        (ThirdFirmware(OTAA), ["ERROR: 96"], NoAnswer),
        (ThirdFirmware(OTAA), ["ERROR: 86"], NotJoined),
        (ThirdFirmware(OTAA), ["ERROR: 90"], NotNow),
        (ThirdFirmware(OTAA), ["ERROR: 101"], TooLong),
        (ThirdFirmware(OTAA), ["ERROR: 1"], Refused),
        (ThirdFirmware(OTAA), [""], Silent),
    ],
)
def test_what_an_error_means_says_what_to_do_next(
    spoken: SecondFirmware, answers: list[str], error: type[Exception]
) -> None:
    with pytest.raises(error) as raised:
        run(spoken.send(b"\1"), *answers)
    assert type(raised.value) is error


def test_an_answer_is_whole_when_the_fate_of_the_uplink_is_known() -> None:
    second = next(SecondFirmware(OTAA).send(b"\1"))
    assert not second.is_whole(["OK"]) and not second.is_whole(["OK", "at+recv=0,2,1,30"])
    assert second.is_whole(["OK", "at+recv=6,0,0"]) and second.is_whole(["ERROR-6"])
    third = next(ThirdFirmware(OTAA).send(b"\1"))
    assert not third.is_whole([]) and third.is_whole(["OK "])


def test_what_one_command_can_carry() -> None:
    assert SecondFirmware(OTAA).longest_bytes() == 64
    assert [ThirdFirmware(replace(OTAA, port=port)).longest_bytes() for port in (2, 20, 200)] == [119, 118, 118]


def test_what_the_air_allows() -> None:
    assert [payload_limit_bytes("EU868", rate) for rate in (0, 2, 3, 4, 7)] == [51, 51, 115, 242, 242]
    assert [payload_limit_bytes("US915", rate) for rate in (0, 1, 2, 4)] == [11, 53, 125, 242]


@pytest.mark.parametrize(
    ("payload", "rate", "expected_s"),
    [(51, 0, 2.793472), (51, 5, 0.118016), (0, 0, 1.155072), (242, 7, (255 + 8) * 8 / 50_000), (51, 6, 0.059008)],
)
def test_time_on_air_is_that_of_the_formula(payload: int, rate: int, expected_s: float) -> None:
    assert time_on_air_s(payload, "EU868", rate) == pytest.approx(expected_s, abs=1e-6)


def test_one_per_cent_of_the_time_is_a_hundred_times_as_long() -> None:
    assert silence_s(2.0, 1.0) == 198.0 and silence_s(2.0, 100.0) == 0.0
