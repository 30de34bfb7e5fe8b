"""What a display can show: its own Cyrillic letters, or Latin ones in their place. Pure."""

from __future__ import annotations

_LATIN: dict[str, str] = dict(
    zip(
        "абвгдеёжзийклмнопрстуфхцчшщъыьэюя№°³",
        [
            *"abvgdee",
            "zh",
            *"ziyklmnoprstuf",
            "kh",
            "ts",
            "ch",
            "sh",
            "shch",
            "''",
            "y",
            "'",
            "e",
            "yu",
            "ya",
            *"No3",
        ],
        strict=True,
    )
)
TRANSLIT = "translit"


def shown_bytes(text: str, encoding: str) -> bytes:
    """The bytes of a text for a display; what it lacks is written in Latin letters, else as `?`."""
    plain = text.replace('"', "'").replace("\\", "/").replace("{", "(").replace("}", ")")
    return b"".join(_letter(letter, encoding) for letter in plain if letter.isprintable())


def _letter(letter: str, encoding: str) -> bytes:
    try:
        return letter.encode("ascii" if encoding == TRANSLIT else encoding)
    except UnicodeEncodeError:
        latin = _LATIN.get(letter.lower(), "?")
        return (latin.capitalize() if letter.isupper() else latin).encode("ascii")
