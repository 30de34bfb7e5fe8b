"""What went wrong, sorted by what is to be done next."""

from __future__ import annotations

from dataclasses import dataclass


class AgentError(Exception):
    """An expected error: it is handled where the policy is (bus, push, runtime)."""


class LineDown(AgentError):
    """The serial port or the connection is gone: close it and open it again, later and later."""


class NoAnswer(AgentError):
    """Nothing valid came: ask again. The text is the reason that `status.txt` counts."""


class Refused(AgentError):
    """The device answered, and asking again would change nothing: another model, no such archive."""


class DeliveryFailed(AgentError):
    """A server did not take a drop: keep the cursor and try again at the next turn."""


class NameTaken(AgentError):
    """A final name on a server belongs to another drop: go on above the highest seq there."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong in a file of the user: `path:line: text` (formats guide, section 1).

    `path` is relative to the root, with `/`. `line` counts from 1; 0 means the file as a whole.
    A warning is accepted and told; anything else refuses the whole file.
    """

    path: str
    line: int
    text: str
    warning: bool = False

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line else self.path
        return f"{place}: {self.text}"


class SettingsWrong(AgentError):
    """A file of the user cannot be used: the last good settings stay in force."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems
