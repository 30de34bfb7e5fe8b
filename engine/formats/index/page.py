"""The frame of a static page and the small pieces of text in it. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from engine.formats.values import clean

INDEX = "index.html"
NO_BREAK = "\u00a0"
ITEMS_MOST = 1000

_STYLE = (
    ":root{color-scheme:light dark}"
    "body{font:1rem/1.45 sans-serif;max-width:60rem;margin:0 auto;padding:1rem;overflow-wrap:anywhere}"
    "h1{font-size:1.4rem;margin:0 0 .5rem}h2{font-size:1.15rem;margin:1.6rem 0 .4rem}h3{font-size:1rem;margin:0}"
    "p,ul{margin:.35rem 0}ul{padding-left:1.2rem}li{margin:.3rem 0}"
    "article{border:1px solid GrayText;border-radius:.3rem;padding:.6rem .8rem;margin:.6rem 0}"
    "table{border-collapse:collapse;width:100%}"
    "th,td{text-align:left;vertical-align:top;padding:.35rem .6rem .35rem 0;border-bottom:1px solid GrayText}"
    "td,th{overflow-wrap:break-word}td a{white-space:nowrap}"
    "td.n,th.n{text-align:right;padding-right:0;white-space:nowrap}"
    "@media(max-width:30rem){body{padding:.6rem}th,td{padding-right:.4rem;font-size:.95rem}}"
)
_ESCAPED = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;"})
"""As `html.escape`, whose module costs half a megabyte for the names of two thousand characters."""
_UNITS = ("Б", "кБ", "МБ", "ГБ", "ТБ")
_SAFE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~")


def size_text(size_bytes: int) -> str:
    """`812 Б`, `1,4 МБ`, on one line."""
    size, unit = float(size_bytes), 0
    while size >= 999.5 and unit < len(_UNITS) - 1:
        size, unit = size / 1024, unit + 1
    text = f"{size:.1f}" if unit and size < 99.95 else f"{size:.0f}"
    return f"{text.replace('.', ',')}{NO_BREAK}{_UNITS[unit]}"


def href(*names: str) -> str:
    """A relative link down through `names`; nothing in a name can end the link or lead elsewhere."""
    return "/".join(map(_quoted, names))


def _quoted(name: str) -> str:
    encoded = name.encode("utf-8", "surrogateescape")
    return "".join(chr(byte) if byte in _SAFE else f"%{byte:02X}" for byte in encoded)


def shown(text: str) -> str:
    """A text that cannot break out of the page."""
    return clean(text).translate(_ESCAPED)


def page(title: str, body: str, top: bool = False) -> str:
    """A whole page; all but the first one, `top`, lead back to it."""
    back = "" if top else '<p><a href="../index.html">К списку приборов и отчётов</a></p>\n'
    return (
        '<!DOCTYPE html>\n<html lang="ru">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{shown(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{shown(title)}</h1>\n{back}{body}</body>\n</html>\n"
    )


def listed(items: Iterable[str]) -> str:
    """A list of ready items, cut off at a length that a browser still shows at once; empty for none."""
    lines = [f"<li>{item}</li>\n" for item in items]
    more = f"<li>и ещё {len(lines) - ITEMS_MOST}</li>\n" if len(lines) > ITEMS_MOST else ""
    return f"<ul>\n{''.join(lines[:ITEMS_MOST])}{more}</ul>\n" if lines else ""


def files_text(count: int) -> str:
    """`3 файла`."""
    return count_text(count, "файл", "файла", "файлов")


def count_text(count: int, one: str, few: str, many: str) -> str:
    """`21 файл`, `3 файла`, `11 файлов`."""
    tens, units = count // 10 % 10, count % 10
    if tens == 1 or units == 0 or units > 4:
        return f"{count} {many}"
    return f"{count} {one if units == 1 else few}"
