"""Orders of bytes as they are written: letters in the order in which the bytes come, A the most significant one.

An order is told as places: the first number says where on the wire the most significant byte stands.
"""

from __future__ import annotations

DEFAULTS = ("ABCD", "CDAB", "BADC", "DCBA")
"""What may stand for numbers of every width: registers in either direction, their two bytes in either order."""
_LETTERS = "ABCDEFGH"
_LOW_BYTE_FIRST = ("BADC", "DCBA")
_LOW_REGISTER_FIRST = ("CDAB", "DCBA")


def is_order(word: str) -> bool:
    """Whether a word is meant as an order of bytes, right or wrong."""
    return len(word) > 1 and set(word.upper()) <= set(_LETTERS)


def own(letters: str, width: int) -> tuple[int, ...]:
    """The places of `width` bytes. ValueError, in Russian, unless the two bytes of each register stay together."""
    wanted = _LETTERS[:width]
    pairs, known = _pairs(letters), _pairs(wanted)
    if sorted(letters) != list(wanted) or set(pairs) not in (set(known), {pair[::-1] for pair in known}):
        other = "".join(reversed(known)) if width > 2 else wanted[::-1]
        raise ValueError(f"порядок {letters}: для {width} байт нужно, например, {wanted} или {other}")
    return tuple(letters.index(letter) for letter in wanted)


def default(order: str, width: int) -> tuple[int, ...]:
    """What one of `DEFAULTS` means for a number of `width` bytes."""
    places = [place ^ (order in _LOW_BYTE_FIRST) for place in range(width)]
    if order in _LOW_REGISTER_FIRST:
        places = [width - 2 - place + 2 * (place & 1) for place in places]
    return tuple(places)


def of_text(order: str, width: int) -> tuple[int, ...]:
    """The places of a text's letters: its registers come in their order. ValueError unless `AB` or `BA`."""
    if order not in ("AB", "BA"):
        raise ValueError(f"порядок {order}: у string бывает AB или BA")
    return tuple(place ^ (order == "BA") for place in range(width))


def low_byte_first(order: str) -> bool:
    """Whether one of `DEFAULTS` says that the less significant byte of a register comes first."""
    return order in _LOW_BYTE_FIRST


def _pairs(letters: str) -> list[str]:
    return [letters[place : place + 2] for place in range(0, len(letters), 2)]
