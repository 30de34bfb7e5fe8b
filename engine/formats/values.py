"""One value and its text, by its key; one instant and its text (formats guide, sections 5 and 6).

Rounding is half up, away from zero, on the shortest decimal text that is the float: 0.0005 is
written 0.001 and 2.675 is written 2.68, as a person reading the number would round it.
"""

from __future__ import annotations

import math
import re
from datetime import datetime
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache

from engine.model import Value

EVENT_DATES = ("ymd", "dmy")
"""Orders of the date in an event, as `EventDate=` names them (B2)."""

# `dTmin` is the growth of the counter Tmin, `dTmin1` the least temperature difference (B14).
_THREE = re.compile(r"d?[QMV][0-9]*|d?Gv?[0-9]+|K[0-9A-Za-z]*|d?T(?:all|good|min|max|dt|err)")
_TWO = re.compile(r"d?[TP][0-9]+|G(?:min|max)[0-9]*|dTmin[0-9]+|T(?:[knopv]|ts|reg|base|corr|const|dead)|T[0-9n]r")
_PLAIN = re.compile(r"Du[0-9]*|Fmax[0-9]*|Baud|NetAddr|NetPort|NumSystems|Flats|Online|Sys|Code|State|Rep")

_FIXED = re.compile(r"-?[0-9]{1,400}(?:\.[0-9]{1,400})?")
_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,17}")
# Letters that end a line for some reader, or that no encoding takes.
_UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_STAMP = re.compile(r"([0-9]{2})\.([0-9]{2})\.([0-9]{2}) ([0-9]{2}):([0-9]{2}):([0-9]{2})")
_EXACT = Context(prec=400, rounding=ROUND_HALF_UP)
_STEP = {2: Decimal("0.01"), 3: Decimal("0.001")}


@lru_cache(maxsize=512)
def decimals(key: str) -> int | None:
    """How many decimals a key is written with (#205); None for integers and text."""
    if _THREE.fullmatch(key):
        return 3
    return 2 if _TWO.fullmatch(key) else None


def value_text(key: str, value: Value) -> str:
    """The text of a value. What is not known, or is no finite number, is empty."""
    if value is None:
        return ""
    if isinstance(value, str):
        return clean(value)
    if not math.isfinite(value):
        return ""
    places = decimals(key)
    return _plain(value) if places is None else _fixed(value, places)


def read_value(key: str, text: str) -> Value:
    """The value of a text: None when empty, a number where the key is a number's, else the text."""
    if not text:
        return None
    if decimals(key) is not None:
        return _number(text)
    if not _plain_key(key):
        return text
    return int(text) if _INTEGER.fullmatch(text) else _number(text)


def clean(text: str) -> str:
    """`text` on one line: whatever could break a file is a space, and none stands at its ends."""
    return _UNFIT.sub(" ", text).strip()


def stamp_fits(stamp: datetime) -> bool:
    """Whether the two digits of the year tell this instant: 2000 to 2099."""
    return 2000 <= stamp.year <= 2099


def stamp_text(stamp: datetime, order: str = "dmy") -> str:
    """`dd.mm.yy HH:MM:SS`, or `yy.mm.dd …` for the order `ymd`. ValueError outside 2000 to 2099."""
    if not stamp_fits(stamp):
        raise ValueError(f"a year of two digits cannot tell {stamp}")
    return stamp.strftime("%y.%m.%d %H:%M:%S" if _is_ymd(order) else "%d.%m.%y %H:%M:%S")


def read_stamp(text: str, order: str = "dmy") -> datetime:
    """The instant that `stamp_text` wrote; ValueError for anything else."""
    found = _STAMP.fullmatch(text)
    if found is None:
        raise ValueError(f"not a date and time: {text!r}")
    first, month, third, hour, minute, second = map(int, found.groups())
    year, day = (first, third) if _is_ymd(order) else (third, first)
    return datetime(2000 + year, month, day, hour, minute, second)


@lru_cache(maxsize=512)
def _plain_key(key: str) -> bool:
    return _PLAIN.fullmatch(key) is not None


def _fixed(value: float, places: int) -> str:
    rounded = Decimal(repr(value)).quantize(_STEP[places], context=_EXACT)
    return format(rounded.copy_abs() if rounded.is_zero() else rounded, "f")


def _plain(value: float) -> str:
    whole = int(value)
    return str(whole) if whole == value else format(Decimal(repr(value)), "f")


def _number(text: str) -> Value:
    number = float(text) if _FIXED.fullmatch(text) else math.nan
    return number if math.isfinite(number) else text


def _is_ymd(order: str) -> bool:
    if order not in EVENT_DATES:
        raise ValueError(f"not an order of a date: {order!r}")
    return order == "ymd"
