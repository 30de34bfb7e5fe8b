"""Templates that come with the agent, in `etc/templates/`, and how a template is found by its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from engine import files, naming
from engine.dialect import textfile
from engine.errors import Problem, SettingsWrong
from engine.reasons import why
from engine.settings import Parsed, read_file
from engine.template.modbus_map import Template


class Shipped:
    """`folder` is `etc/`. A template is read when a device first names it: the agent's own files do not change."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / Path(naming.SHIPPED_TEMPLATES).name
        self._known: dict[str, Template] = {}

    def find(self, name: str) -> Template | None:
        """The template of this bare name, without regard to case; None when there is none that can be used."""
        folded = f"{name}.ini".casefold()
        if folded not in self._known:
            for path in self._folder.glob("*.ini"):
                if path.name.casefold() == folded and isinstance(read := self._read(path), Template):
                    self._known[folded] = read
        return self._known.get(folded)

    def problems(self) -> list[Problem]:
        """What is wrong in any of them; nothing, as they come."""
        read = (self._read(path) for path in sorted(self._folder.glob("*.ini")))
        return [problem for each in read if not isinstance(each, Template) for problem in each]

    def _read(self, path: Path) -> Template | tuple[Problem, ...]:
        name = f"{naming.SHIPPED_TEMPLATES}/{path.name}"
        try:
            parsed, _ = read_file(name, files.read_limited(path, textfile.LIMIT_BYTES))
        except SettingsWrong as wrong:
            return wrong.problems
        except OSError as error:
            return (Problem(name, 0, why(error)),)
        assert isinstance(parsed, Template), "the folder tells what its files are"
        return parsed


def templates_of(in_force: Mapping[str, Parsed | None], shipped: Shipped) -> Callable[[str], Template | None]:
    """Finds a template by its bare name: the user's own, by its path in `in_force`, before a shipped one."""
    own = {path.casefold(): parsed for path, parsed in in_force.items() if isinstance(parsed, Template)}

    def find(name: str) -> Template | None:
        return own.get(f"{naming.TEMPLATES}/{name}.ini".casefold()) or shipped.find(name)

    return find
