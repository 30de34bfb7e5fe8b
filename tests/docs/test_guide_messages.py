"""Each message that the guide explains is one of the program, and a status that it shows is in the program's words."""

from __future__ import annotations

import re

import pytest

import drivers
from engine import reasons
from tests.fake import guide_text
from tests.fake.guide_text import GUIDE, PROJECT

TEXT = GUIDE.read_text("utf-8")
MESSAGES = [
    message
    for row in guide_text.between(TEXT, "messages").splitlines()
    if row.startswith("| «")
    for message in guide_text.quoted(row.partition(" | ")[0])
]
OTHERS = {"550 Not enough privileges."}
"""What a library tells."""
TELLING = (
    "config/__init__.py", "delivery/*.py", "export/__init__.py", "keeper/__init__.py", "keeper/shelf*.py",
    "line/link.py", "line/lending.py", "line/guest.py", "lora/__init__.py", "lora/at.py", "mail/account.py",
    "mail/mailer.py", "push/*.py", "regulator/*.py", "runtime/agent.py", "runtime/alerts.py",
    "runtime/autoconfig.py", "runtime/command*.py", "runtime/contacts.py", "runtime/deliveries.py",
    "runtime/describe.py", "runtime/file_server.py", "runtime/flash.py", "runtime/housekeeping.py", "runtime/lcd.py",
    "runtime/limit.py", "runtime/line_search.py", "runtime/lora.py", "runtime/polling.py", "runtime/postman.py",
    "runtime/regulators.py", "runtime/sms.py", "runtime/status_view.py", "runtime/timekeeping.py",
    "runtime/transparent.py", "runtime/update.py", "runtime/vpn.py", "runtime/watchdog.py", "runtime/web.py",
    "settings/*_checks.py", "settings/keyed.py", "settings/together.py", "trust.py",
)  # fmt: skip
"""The modules whose texts stand in `status.txt`, the journal and answers."""
SELF_TOLD = {
    "Активирован", "без шифрования", "диск", "заводские", "последние исправные", "неизвестен", "нет", "нет показания",
    "снова есть", "причину не назвал", "опрос приборов включён", "положите его в log/User/ca.pem",
    "systemd перезапустит агента", "перезапустите агента", "поток «…» завис", ", адрес …", ", на серверы не доставлен",
    " в регистр …", "выход …", "желаемое …", "и ещё …", "код …", "опросов …, ответов …", "показания …", "прибор …",
    "скорость …", "просмотрено мест … из … (… %)", "стоит …, ", "… (… назад)", "… мин", "… сут … ч", "… ч … мин",
    "…, по команде set-time", "…: прочитан …, часы прибора …",
}  # fmt: skip
"""Parts of a line that need no word of their own."""
WORD = re.compile(r"[А-Яа-яЁё]{3,}")


def test_there_are_messages() -> None:
    assert len(MESSAGES) > 120
    assert len(set(MESSAGES)) > 0.95 * len(MESSAGES)


def test_every_message_is_one_of_the_program() -> None:
    texts = "\n".join(guide_text.program_texts())
    assert [message for message in {*MESSAGES} - OTHERS if message.strip(guide_text.HOLE) not in texts] == []


def test_every_text_of_the_status_is_explained() -> None:
    sources = [path for place in TELLING for path in (PROJECT / "engine").glob(place)]
    assert len(sources) > len(TELLING) - 2
    texts = {text for source in sources for text in guide_text.texts_of(source) if WORD.search(text)}
    bare = [message.strip(guide_text.HOLE) for message in MESSAGES]
    told = {text for text in texts if not any(message in text for message in bare)}
    titles = set(re.findall(r"\[([А-Я][^]]*)\]", TEXT))
    reasons_told = set(guide_text.quoted(guide_text.between(TEXT, "reasons")))
    assert sorted(told - reasons_told - titles - SELF_TOLD) == [], "to be explained in docs/guide.ru.md, chapter 7"


def test_the_reasons_are_those_of_the_program() -> None:
    told = [text for row in guide_text.between(TEXT, "reasons").splitlines() for text in guide_text.quoted(row)]
    texts = {*reasons._WHY.values(), *reasons._NAME_LOOKUP.values(), reasons._CERTIFICATE, reasons._ENCRYPTION}
    assert set(told) == texts
    assert len(told) == len(texts)


def test_the_sections_are_those_of_the_status() -> None:
    titles = re.findall(r"\[([^]]+)\]", " ".join(re.findall(r"^### (\[.*)$", TEXT, re.MULTILINE)))
    own = set(re.findall(r"`\[([А-Я][^]]*)\]`", TEXT))
    assert len(titles) > 5
    assert {*titles, *own} - {text.strip("[]") for text in guide_text.program_texts()} == set()


@pytest.mark.parametrize("mark", ["status", "answer"])
def test_what_the_program_says_is_shown_in_its_words(mark: str) -> None:
    texts = (text.strip("[]") for text in guide_text.program_texts())
    forms = {part for text in texts for part in text.split("; ") if re.search("[А-Яа-я№]", part)}
    told = re.compile("(?:.*: |… )?(?:" + "|".join(map(_form, forms)) + ")")
    pieces = [
        piece for block in guide_text.marked(mark) for line in block.text.splitlines() for piece in line.split("; ")
    ]
    shown = [piece for piece in pieces if WORD.search(piece)]
    assert len(shown) > 5
    assert [piece for piece in shown if not told.fullmatch(piece.strip("[]"))] == []


def _form(text: str) -> str:
    return re.escape(text).replace(guide_text.HOLE, ".+")


def test_what_is_said_of_the_own_archive_is_what_the_drivers_do() -> None:
    without = {name for driver in drivers.load() if driver.rings is None for name in driver.device_types}
    rows = [row for row in TEXT.splitlines() if "записывает сам ТСМ-смарт" in row]
    told = {name for row in rows for name in re.findall(r"`([^`=]+)`", row)}
    assert told == without
