"""The laws of the house that can be seen in the text: who may import whom, how large things are, what must not stand.

`engine/` has a pure half, which knows no port, thread, file or clock, and edges, which do. Edges are grouped into
rooms: an edge knows the pure half, what all edges share, and its own room, never another one. `engine/runtime/` and
`agent.py` introduce rooms to each other. A module that stands in no table here is pure.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]

ROOMS: dict[str, tuple[str, ...]] = {
    "line": ("line", "line.link", "line.bus", "line.guest", "line.lending"),
    "keeper": (
        "keeper", "keeper.shelf", "keeper.shelf_mending", "keeper.shelf_removed", "keeper.shelving",
        "keeper.own_archive", "keeper.snapshot_file", "keeper.errand", "keeper.shelf_gaps",
    ),
    "ftpd": (
        "ftpd", "ftpd.certificate", "ftpd.intake", "ftpd.library", "ftpd.secure", "ftpd.session", "ftpd.transfer",
        "ftpd.tree", "ftpd.view",
    ),
    "push": ("push", "push.reading", "push.reason", "push.tls", "push.wire"),
    "delivery": ("delivery",),
    "outbox": ("delivery.outbox",),
    "config": ("config", "config.shipped"),
    "lend": ("lend",),
    "lcd": ("lcd",),
    "watch": ("watch",),
    "journal": ("journal",),
    "sms": ("sms",),
    "clock": ("clock",),
    "notify": ("notify",),
    "command": ("command.child", "command.folder"),
    "console": ("console", "console.search", "console.commands", "console.screen"),
    "ports": ("ports",),
    "emulate": ("emulate",),
    "read_drops": ("read_drops",),
    "report": (
        "report.__main__", "report.making", "report.reading", "report.library", "report.pages", "report.graphs",
        "report.sheet",
    ),
    "report_child": ("report.child",),
    "index": ("index", "index.span"),
    "export": ("export", "export.drive", "export.media"),
    "vpn": ("vpn", "vpn.copy"),
    "lora": ("lora", "lora.archive_tail"),
    "web": ("web", "web.listener", "web.request", "web.tree"),
    "alert": ("alert.book",),
    "mail": ("mail.mailer", "mail.letter"),
}
SHARED = frozenset(("files", "trust", "worker"))
"""Edges that every edge may know: what a whole file is, whom to believe as a server, and what a thread is."""

LIBRARIES: dict[str, frozenset[str]] = {
    "serial": frozenset(("line", "ports")),
    "ftputil": frozenset(("push",)),
    "pyftpdlib": frozenset(("ftpd",)),
    "OpenSSL": frozenset(("ftpd",)),
    "cryptography": frozenset(("ftpd",)),
    "watchdog": frozenset(("watch",)),
    "schedule": frozenset(("runtime",)),
    "pyarrow": frozenset(("read_drops",)),
    "fpdf": frozenset(("report",)),
    "xlsxwriter": frozenset(("report",)),
}
"""Each foreign package is known in its own room only."""

PURE_LIBRARY = frozenset(
    (
        "__future__", "abc", "argparse", "ast", "base64", "binascii", "bisect", "calendar", "collections", "contextlib",
        "copy", "csv", "dataclasses", "datetime", "decimal", "difflib", "enum", "errno", "fnmatch", "fractions",
        "functools", "hashlib", "heapq", "hmac", "html", "io", "ipaddress", "itertools", "json", "math", "numbers",
        "operator", "random", "re", "statistics", "string", "struct", "textwrap", "types", "typing", "unicodedata",
        "zipfile", "zlib", "zoneinfo",
    )
)  # fmt: skip
"""What the pure half and the drivers may take from the standard library: nothing that waits, opens or asks the time."""

OF_DRIVERS = frozenset(("errors", "model", "codec", "dialogue", "template.modbus_map"))
"""What a driver may know of the engine: values and how to talk. `template.modbus_map` is the map of a Modbus device."""

EXCEPTIONS: dict[str, frozenset[str]] = {
    # A number that was read from a register must be one that can name files.
    "drivers.modbus_decode": frozenset(("engine.naming",)),
    # They find the modules of their own folder: there is no list to edit.
    "drivers": frozenset(("importlib", "pkgutil")),
    "drivers.emulated": frozenset(("importlib", "pkgutil")),
}

LINES_OF_A_FUNCTION = 50
LINES_OF_A_MODULE = 300


class Module(NamedTuple):
    """One file of the product. `name` is `engine.formats.drop`; a folder has the name of its `__init__`."""

    name: str
    path: Path
    tree: ast.Module

    def __str__(self) -> str:
        return str(self.path.relative_to(ROOT))

    @property
    def part(self) -> str:
        """`naming` of `engine.naming`, `formats.drop` of `engine.formats.drop`."""
        return self.name.partition(".")[2]

    @property
    def room(self) -> str:
        """The room of an edge; `pure`, `shared`, `runtime` for the rest of the engine."""
        if self.name.startswith("engine.runtime"):
            return "runtime"
        return _room_of(self.part)


def _room_of(part: str) -> str:
    rooms = (room for room, parts in ROOMS.items() if part in parts)
    return "shared" if part in SHARED else next(rooms, "pure")


@cache
def modules() -> tuple[Module, ...]:
    paths = [ROOT / "agent.py", *(path for top in ("engine", "drivers") for path in sorted((ROOT / top).rglob("*.py")))]
    return tuple(Module(_name_of(path), path, ast.parse(path.read_text(encoding="utf-8"))) for path in paths)


def _name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@cache
def names() -> frozenset[str]:
    return frozenset(module.name for module in modules())


def imports(module: Module) -> Iterator[str]:
    """Whatever a module imports, also inside functions and for annotations; of our own the module, not its content."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level and node.module, f"{module}: imports are written in full"
            inside = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if name in names() else node.module for name in inside)


def foreign(module: Module) -> Iterator[str]:
    """Top packages that are neither ours nor allowed to this module by an exception."""
    for name in imports(module):
        top = name.partition(".")[0]
        if top not in ("engine", "drivers") and top not in EXCEPTIONS.get(module.name, ()):
            yield top


def own(module: Module) -> Iterator[str]:
    """Modules of ours, those allowed by an exception left out."""
    allowed = EXCEPTIONS.get(module.name, frozenset())
    packages = ("engine", "engine.formats", "engine.runtime")
    return (name for name in imports(module) if name in names() and name not in allowed and name not in packages)


def of(top: str) -> list[Module]:
    return [module for module in modules() if module.name == top or module.name.startswith(f"{top}.")]


def engine_modules(room: str) -> list[Module]:
    return [module for module in of("engine") if module.room == room]


# --- who may import whom


def test_every_module_can_be_the_first_that_is_imported() -> None:
    """A circle of imports shows only to whoever enters it at the wrong place."""
    assert [" -> ".join(circle) for circle in _circles()] == []


def _own_at_start(module: Module) -> set[str]:
    """What a module imports of ours when it is loaded, the packages around it among them."""
    nodes = [node for node in module.tree.body if isinstance(node, ast.ImportFrom | ast.Import)]
    start = Module(module.name, module.path, ast.Module(body=list(nodes), type_ignores=[]))
    found = {name for name in imports(start) if name in names()}
    around = {name.rpartition(".")[0] for name in found if "." in name}
    around = {name for name in around if name in names() and not module.name.startswith(f"{name}.")}
    return (found | around) - {module.name}


def _circles() -> list[list[str]]:
    graph = {module.name: sorted(_own_at_start(module)) for module in modules()}
    done: set[str] = set()
    found: list[list[str]] = []

    def visit(name: str, path: list[str]) -> None:
        if name in path:
            found.append([*path[path.index(name) :], name])
        elif name not in done:
            for other in graph.get(name, []):
                visit(other, [*path, name])
            done.add(name)

    for name in graph:
        visit(name, [])
    return found


def test_every_module_of_a_table_is_there() -> None:
    tables = {part for parts in ROOMS.values() for part in parts} | SHARED | OF_DRIVERS
    assert sorted(part for part in tables if f"engine.{part}" not in names()) == []
    assert sorted(set(EXCEPTIONS) - names()) == []


def test_the_pure_half_knows_only_itself() -> None:
    told = [
        f"{module} is pure and imports {name} of the room '{_room_of(name.partition('.')[2])}'"
        for module in engine_modules("pure")
        for name in own(module)
        if name.startswith(("drivers", "engine.runtime")) or _room_of(name.partition(".")[2]) != "pure"
    ]
    assert not told, "\n".join(told)


def test_the_pure_half_takes_nothing_that_waits_opens_or_asks_the_time() -> None:
    told = [
        f"{module} is pure and imports {name}: if it is an edge, give it a room in {Path(__file__).name}"
        for module in engine_modules("pure")
        for name in foreign(module)
        if name not in PURE_LIBRARY
    ]
    assert not told, "\n".join(told)


def test_the_pure_half_and_the_drivers_ask_no_clock_and_open_no_file() -> None:
    told = [
        f"{module}:{line} calls {call}: time and texts are arguments here"
        for module in (*engine_modules("pure"), *of("drivers"))
        for line, call in _impure_calls(module)
    ]
    assert not told, "\n".join(told)


def _impure_calls(module: Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        if called in ("open", "print", "input", "eval", "exec") or re.fullmatch(
            r"(\w+\.)*(datetime|date)\.(now|today|utcnow)", called
        ):
            yield node.lineno, called


def test_an_edge_knows_the_pure_half_what_all_share_and_its_own_room() -> None:
    told = [
        f"{module} of the room '{module.room}' imports {name} of the room '{_room_of(name.partition('.')[2])}'"
        for room in (*ROOMS, "shared")
        for module in engine_modules(room)
        for name in own(module)
        if name.startswith(("drivers", "engine.runtime"))
        or _room_of(name.partition(".")[2]) not in ("pure", "shared", room)
    ]
    assert not told, "\n".join(told)


def test_every_foreign_package_is_known_in_its_own_room_only() -> None:
    told = [
        f"{module} imports {name}, which belongs to {sorted(LIBRARIES.get(name, ()))}"
        for module in modules()
        for name in foreign(module)
        if name not in sys.stdlib_module_names
        and (module.name == "agent" or module.name.startswith("drivers") or module.room not in LIBRARIES.get(name, ()))
    ]
    assert not told, "\n".join(told)


def test_the_engine_never_imports_a_driver() -> None:
    told = [f"{module} imports {name}" for module in of("engine") for name in own(module) if name.startswith("drivers")]
    assert not told, "\n".join(told)


def test_a_driver_knows_values_and_how_to_talk_and_nothing_of_the_edges() -> None:
    told = [
        f"{module} imports {name}"
        for module in of("drivers")
        if not module.name.startswith("drivers.emulated")
        for name in own(module)
        if name.startswith("drivers.emulated")
        or (name.startswith("engine") and name.removeprefix("engine.") not in OF_DRIVERS)
    ]
    assert not told, "\n".join(told)


def test_drivers_take_nothing_that_waits_opens_or_asks_the_time() -> None:
    told = [
        f"{module} imports {name}" for module in of("drivers") for name in foreign(module) if name not in PURE_LIBRARY
    ]
    assert not told, "\n".join(told)


def test_an_emulated_meter_shares_no_code_with_the_drivers() -> None:
    told = [
        f"{module} imports {name}: a wrong offset would be right on both sides"
        for module in of("drivers.emulated")
        for name in own(module)
        if not name.startswith("drivers.emulated")
    ]
    assert not told, "\n".join(told)


# --- how large things are


def functions(module: Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(module.tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def test_no_function_is_longer_than_a_page() -> None:
    told = [
        f"{module}:{function.lineno} {function.name} has {length} lines"
        for module in modules()
        for function in functions(module)
        if (length := (function.end_lineno or 0) - function.lineno + 1) > LINES_OF_A_FUNCTION
    ]
    assert not told, "\n".join(told)


def test_no_module_is_longer_than_it_should_be() -> None:
    """Tables of a driver's memory map are as long as the map."""
    told = [
        f"{module} has {length} lines"
        for module in modules()
        if not (module.name.startswith("drivers.") and module.name.endswith("_map"))
        and (length := len(module.path.read_text(encoding="utf-8").splitlines())) > LINES_OF_A_MODULE
    ]
    assert not told, "\n".join(told)


def test_every_signature_is_annotated() -> None:
    told = [
        f"{module}:{function.lineno} {function.name}"
        for module in modules()
        for function in functions(module)
        if function.returns is None or any(argument.annotation is None for argument in _arguments(function))
    ]
    assert not told, "\n".join(told)


def _arguments(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[ast.arg]:
    whole = function.args
    every = (*whole.posonlyargs, *whole.args, whole.vararg, *whole.kwonlyargs, whole.kwarg)
    return (argument for argument in every if argument and argument.arg not in ("self", "cls"))


def test_every_module_says_what_it_is_for() -> None:
    assert [str(module) for module in modules() if not ast.get_docstring(module.tree)] == []


# --- what must not stand


def test_what_nobody_expected_is_caught_in_one_place_only() -> None:
    """Whoever only clears away after it and lets it go on does not catch it."""
    told = [
        f"{module}:{handler.lineno}"
        for module in modules()
        for handler in ast.walk(module.tree)
        if isinstance(handler, ast.ExceptHandler)
        and _is_broad(handler)
        and not isinstance(handler.body[-1], ast.Raise)
        and module.name != "engine.worker"
    ]
    assert not told, "\n".join(told)


def _is_broad(handler: ast.ExceptHandler) -> bool:
    caught = {"a bare except"} if handler.type is None else {node.id for node in _names_in(handler.type)}
    return not caught.isdisjoint(("a bare except", "Exception", "BaseException"))


def _names_in(node: ast.expr) -> Iterator[ast.Name]:
    return (each for each in ast.walk(node) if isinstance(each, ast.Name))


def test_nothing_is_asserted_of_a_constant() -> None:
    told = [
        f"{module}:{node.lineno}"
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Assert) and isinstance(node.test, ast.Constant)
    ]
    assert not told, "\n".join(told)


def test_every_thread_has_a_name() -> None:
    told = [
        f"{module}:{node.lineno}"
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in ("threading.Thread", "Thread", "threading.Timer", "Timer")
        and not any(keyword.arg == "name" for keyword in node.keywords)
    ]
    assert not told, "\n".join(told)


@cache
def texts() -> dict[str, str]:
    """Every text of the project by its path."""
    tops = ("agent.py", "engine", "drivers", "etc", "scripts", "tests", "docs", ".ci", "pyproject.toml")
    paths = [*(ROOT / top for top in tops), *ROOT.glob("*.md"), *ROOT.glob("requirements*")]
    files = [each for path in paths for each in ([path] if path.is_file() else sorted(path.rglob("*")))]
    return {
        str(path.relative_to(ROOT)): text
        for path in files
        if path.is_file() and "__pycache__" not in path.parts and (text := _text_of(path)) is not None
    }


def _text_of(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


@pytest.mark.parametrize(
    ("pattern", "what"),
    [
        (r"\b(?:TO[D]O|FIX[M]E|X[X]X|HA[C]K)\b", "something is left to be done"),
        (r"(?<![\w.])/(?:work|home/\w+|Users/\w+)/", "a path of somebody's own machine"),
        (r"\bnoq[a](?!:)\b", "a check is switched off without saying which"),
        (r"#\s*type:\s*ignore(?!\[)", "a check is switched off without saying which"),
    ],
)
def test_no_text_of_the_project_says_it(pattern: str, what: str) -> None:
    sought = re.compile(pattern)
    told = [
        f"{path}:{number}: {what}"
        for path, text in texts().items()
        for number, line in enumerate(text.splitlines(), 1)
        if sought.search(line)
    ]
    assert not told, "\n".join(told)


def test_nothing_of_the_product_prints_where_files_and_the_journal_are_for() -> None:
    """Only what a person starts and watches writes to the terminal."""
    talking = {"agent", "engine.emulate", "engine.read_drops", "engine.console", "engine.console.search"}
    told = [
        f"{module}:{node.lineno}"
        for module in modules()
        if module.name not in talking
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "print"
    ]
    assert not told, "\n".join(told)
