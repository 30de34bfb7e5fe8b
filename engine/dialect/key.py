"""One key of a file, as the tables of keys declare it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from engine.dialect.kinds import Kind


@dataclass(frozen=True, slots=True)
class Key:
    """One key: `field` is the attribute of the settings class that its value goes to.

    `pattern` is given where the name stands for several (`S<n>T<k>Min`); its groups tell which.
    """

    section: str
    name: str
    default: str
    kind: Kind
    field: str
    meaning: str
    pattern: re.Pattern[str] | None = None
