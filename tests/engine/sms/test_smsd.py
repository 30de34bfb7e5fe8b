"""The real smsd takes what is put into its spool to an emulated modem, as `smsd_conf` tells it to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.sms import Spool
from engine.sms.smsd_conf import smsd_conf
from tests.fake.agent_process import eventually
from tests.fake.gsm_modem import GsmModem, Sms, decode_submit
from tests.fake.leaks import nothing_left
from tests.fake.smsd import Smsd, make_spool

TEXT = "ТЭМ-104 №440020: 0 0 2 0 0 0. Давление в подающем трубопроводе ниже нормы, проверьте насос"


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    with nothing_left():
        yield


@contextmanager
def daemon(tmp_path: Path, modem: GsmModem) -> Iterator[Callable[[Callable[[Spool], bool], str], None]]:
    """Waits of a test: `until(condition on the spool, what it is)`."""
    folder = make_spool(tmp_path / "sms")
    spool = Spool(folder)
    conf = smsd_conf(modem.path, 115200, str(folder), error_pause_s=1, block_s=1)
    assert "delaytime = 5\n" in conf
    quick = conf.replace("delaytime = 5\n", "delaytime = 1\n") + "read_timeout = 1\n"
    with modem, Smsd(tmp_path, quick) as smsd:

        def until(condition: Callable[[Spool], bool], what: str) -> None:
            try:
                eventually(lambda: condition(spool), what)
            except AssertionError as error:
                raise AssertionError(f"{error}\n{smsd.told()}\n{modem.commands}") from None

        yield until


def joined(messages: list[Sms], number: str) -> str:
    """The text that a telephone shows: its parts in their order."""
    return "".join(each.text for each in sorted((each for each in messages if each.number == number), key=by_part))


def by_part(message: Sms) -> int:
    return message.part[2] if message.part else 0


def test_a_russian_text_of_two_parts_reaches_every_number(tmp_path: Path) -> None:
    modem = GsmModem(silent=True)
    with daemon(tmp_path, modem) as until:
        spool = Spool(tmp_path / "sms")
        (tmp_path / "sms/outgoing/.half.tmp").write_text("To: 70000000000\n\nhalf of a message")
        spool.put("alarm-1", ("+79161234567", "89161234568"), TEXT)
        spool.put("latin", ("+79161234567",), "T1=74.18 T2=49.87")
        until(lambda _: b"AT" in modem.heard, "the modem is asked")
        assert spool.state("alarm-1") == spool.state("latin") == "waiting", "a silent modem loses nothing"
        modem.silent = False
        until(lambda spool: spool.state("alarm-1") == spool.state("latin") == "sent", "all is sent")
    whole = [each for each in modem.messages if each.part]
    assert {each.number for each in modem.messages} == {"+79161234567", "89161234568"}
    assert {each.part[1] for each in whole if each.part} == {2}
    assert joined(whole, "+79161234567") == joined(whole, "89161234568") == TEXT
    assert [each.text for each in modem.messages if not each.part] == ["T1=74.18 T2=49.87"]


def test_a_modem_that_refuses_is_asked_thrice_and_the_reason_is_told(tmp_path: Path) -> None:
    modem = GsmModem(refusal=38)
    with daemon(tmp_path, modem) as until:
        Spool(tmp_path / "sms").put("alarm-1", ("+79161234567",), "нет сети")
        until(lambda spool: spool.state("alarm-1") == "failed", "it has failed")
    assert Spool(tmp_path / "sms").failure("alarm-1") == "+CMS ERROR: 38 (Network out of order)"
    assert [each.text for each in modem.messages] == ["нет сети"] * 3


def test_the_test_s_own_decoder_reads_what_others_have_encoded() -> None:
    """PDUs of python-gsmmodem's tests and of two libraries that agree."""
    assert decode_submit("0001000B917228001011F100000CC8329BFD065DDF72363904") == Sms(
        "+27820001111", "Hello World!", None
    )
    part = (
        "0041050B919799214365F700088C05000305020104220435043F043B043E044104470435044204470438043A00200422042D041C002D003000"
        "35041C0020043704300432002E00202116002000330038003200340036003A0020043D043504420020043F043804420430043D0438044F002004"
        "340430044204470438043A0430002004420435043C043F043504400430044204430440044B002C"
    )
    assert decode_submit(part) == Sms(
        "+79991234567", "Теплосчетчик ТЭМ-05М зав. № 38246: нет питания датчика температуры,", (5, 2, 1)
    )
