"""Names of device types: the one spelling that is written, and every spelling that is understood.

Written spelling: table 7.1 of the manual, formats guide section 4. The manual itself mixes Latin and Cyrillic letters
that look alike, so they are equal on reading, and Э = Е.
"""

from __future__ import annotations

AUTO = "auto"
MODBUS = "Modbus"
LORA = "LoRaModul"
DEVICE_TYPES = (
    "ТЕМ-104", "ТЕМ-104М", "ТЕМ-104-1", "ТЕМ-104-К", "ТЕМ-106/1", "ТЭСМА-106/1", "ТЭСМА-106/2", "ТСМ", "ТЭМ-05М",
    "РСМ-05.03", "РСМ-05.05", "РСМ-05.05П", "РСМ-05.07", "RT-05", LORA, MODBUS,
)  # fmt: skip

_LOOK_ALIKE = str.maketrans("АВЕКМНОРСТУХЭІЁ‐‑‒–—−", "ABEKMHOPCTYXEIE------")


def fold(text: str) -> str:
    """What is left of a name when look-alike letters, case and kinds of dashes do not count."""
    return text.strip().upper().translate(_LOOK_ALIKE)


def written(text: str) -> str | None:
    """The written spelling of a type that a user gave, `auto` for auto; None when there is no such type."""
    return _WRITTEN.get(fold(text))


def same_type(one: str, other: str) -> bool:
    """Whether two spellings name one type; names that are no type of ours are compared as look-alikes too."""
    return fold(one) == fold(other)


_WRITTEN = {fold(name): name for name in (*DEVICE_TYPES, AUTO)}
