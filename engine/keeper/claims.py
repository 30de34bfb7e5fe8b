"""Which device file has which number. Pure."""

from __future__ import annotations


class Claims:
    """Of two files with one number the first by name has it; a file has one number at most.

    Numbers that differ by the case of letters only are one: their paths over FTP would be.
    """

    def __init__(self) -> None:
        self._holders: dict[str, str] = {}

    def holder(self, number: str) -> str | None:
        """The file that has a number."""
        return self._holders.get(number.casefold())

    def take(self, file: str, number: str) -> str:
        """Claim a number for a file; returns the file that has it from now on, which may be another."""
        holder = min(self.holder(number) or file, file)
        self.release(file)
        self._holders[number.casefold()] = holder
        return holder

    def release(self, file: str) -> None:
        """The file needs no number any more."""
        self._holders = {number: each for number, each in self._holders.items() if each != file}
