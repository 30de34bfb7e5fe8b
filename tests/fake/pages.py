"""What a browser would find in a page."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import unquote


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del tag
        self.found += [value or "" for name, value in attrs if name == "href"]


def links_of(page: str) -> list[str]:
    """Every link, as the path that it leads to."""
    parser = _Links()
    parser.feed(page)
    parser.close()
    return [unquote(link) for link in parser.found]
