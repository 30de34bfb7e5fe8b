"""ТСМ-смарт: the agent beside heat meters. Arguments, signals, exit codes; nothing else.

What only one command needs is imported there: the agent itself lives for months in little memory.
"""

from __future__ import annotations

import argparse
import errno
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import drivers
from engine.command.words import usages
from engine.config import check
from engine.console import Progress
from engine.runtime.agent import Agent
from engine.runtime.root_lock import RootTaken, RootUnusable
from engine.runtime.tracing import Trace
from engine.version import VERSION

EXIT_OK, EXIT_PROBLEM, EXIT_ROOT_TAKEN = 0, 1, 3


def main(arguments: Sequence[str], root: Path = Path(__file__).parent) -> int:
    """Run the command line; returns the exit code. `root` is what `--root` is without being given."""
    if arguments[:1] == ["emulate"]:
        from drivers import emulated
        from engine import emulate

        return emulate.main(arguments[1:], emulated.load())
    options = _parser(root).parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.command
    return command(options)


def console() -> int:
    """The command `tsm-smart` of the wheel: `log/` and `www/` are where it is called, not among the packages."""
    return main(sys.argv[1:], Path.cwd())


def _parser(root: Path) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="agent.py", description="ТСМ-смарт: сбор данных с теплосчётчиков")
    parser.add_argument("--root", type=Path, default=root, metavar="ПАПКА", help="где лежат log и www")
    parser.add_argument("--version", action="version", version=VERSION, help="версия программы")
    parser.add_argument("--trace", action="store_const", const="-", help="записывать весь обмен с приборами на stderr")
    parser.add_argument("--trace-to", dest="trace", metavar="ФАЙЛ", help="то же, в файл")
    commands = parser.add_subparsers(required=True, metavar="КОМАНДА")
    for name, command, text in (
        ("run", _run, "работать, пока не остановят"),
        ("once", _once, "один полный цикл; код 0, если ответили все приборы"),
        ("check", _check, "проверить настройки; код 0, если ошибок нет"),
        ("emulate", _check, "прибор, которого нет: agent.py emulate --help"),
    ):
        commands.add_parser(name, help=text).set_defaults(command=command)
    search = commands.add_parser("autoconfig", help="найти приборы на свободных портах и предложить файлы для них")
    search.add_argument("ports", nargs="*", metavar="ПОРТ", help="только эти порты, например ttyS1; иначе все")
    search.set_defaults(command=_autoconfig)
    drops = commands.add_parser("read-drops", help="собрать посылки из папок в одну таблицу без повторов")
    drops.add_argument("folders", type=Path, nargs="+", metavar="ПАПКА")
    drops.add_argument("-o", dest="output", type=Path, required=True, metavar="ФАЙЛ", help="….csv или ….parquet")
    drops.set_defaults(command=_read_drops)
    report = commands.add_parser("report", help="отчет за любой период: report 440020 H 01.09.2018 26.09.2018")
    report.add_argument("words", nargs="*", metavar="НОМЕР [H|D] С ПО")
    report.set_defaults(command=_report)
    for word, usage in usages().items():
        if word not in ("autoconfig", "report", "export"):
            own = commands.add_parser(word, help=usage.does)
            own.add_argument("words", nargs="*", metavar="…", help=usage.form)
            own.set_defaults(command=_command, word=word)
    smsd = commands.add_parser("smsd-conf", help="файл smsd.conf для модема из [modem]; ничего, если модема нет")
    smsd.set_defaults(command=_smsd_conf)
    export = commands.add_parser("export", help=usages()["export"].does)
    export.add_argument("path", type=Path, metavar="ПАПКА")
    export.set_defaults(command=_export)
    return parser


def _run(options: argparse.Namespace) -> int:
    def work(agent: Agent) -> bool:
        agent.run()
        return True

    return _with_agent(options, work)


def _once(options: argparse.Namespace) -> int:
    return _with_agent(options, Agent.once)


def _with_agent(options: argparse.Namespace, work: Callable[[Agent], bool]) -> int:
    with Trace(options.trace) as trace:
        agent = Agent(options.root.resolve(), drivers.load(), trace.of_line, Progress())
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: agent.stop())
        try:
            return EXIT_OK if work(agent) else EXIT_PROBLEM
        except RootTaken as taken:
            print(f"с папкой {taken} уже работает другой агент", file=sys.stderr)
            return EXIT_ROOT_TAKEN
        except RootUnusable as unusable:
            print(f"агент не запущен: в папке ничего нельзя хранить: {unusable}", file=sys.stderr)
            return EXIT_PROBLEM


def _autoconfig(options: argparse.Namespace) -> int:
    from engine.console.search import SearchConsole
    from engine.runtime.autoconfig import Autoconfig

    with Trace(options.trace) as trace:
        search = Autoconfig(options.root.resolve(), drivers.load(), trace.of_line, SearchConsole())
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: search.stop())
        try:
            return EXIT_OK if search.run(options.ports) else EXIT_PROBLEM
        except RootTaken:
            print("автонастройка этой папки уже идёт: дождитесь её конца", file=sys.stderr)
            return EXIT_ROOT_TAKEN
        except (OSError, ValueError) as error:
            print(f"автонастройка: {error}", file=sys.stderr)
            return EXIT_PROBLEM


def _check(options: argparse.Namespace) -> int:
    if not options.root.is_dir():
        print(f"{options.root}: такой папки нет", file=sys.stderr)
        return EXIT_PROBLEM
    problems = check(options.root.resolve())
    for problem in problems:
        print(problem)
    return EXIT_PROBLEM if any(not problem.warning for problem in problems) else EXIT_OK


def _report(options: argparse.Namespace) -> int:
    from engine.runtime.report_command import make_report

    try:
        answer = make_report(options.root.resolve(), options.words)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return EXIT_PROBLEM
    for path in answer.made:
        print(path)
    for problem in answer.problems:
        print(problem, file=sys.stderr)
    return EXIT_PROBLEM if answer.problems else EXIT_OK


def _command(options: argparse.Namespace) -> int:
    from engine.command import CommandFailed
    from engine.console.commands import CommandConsole
    from engine.runtime.shell_command import run_command

    root, console = options.root.resolve(), CommandConsole()

    def obey(name: str) -> None:
        def work(agent: Agent) -> bool:
            agent.obey(name, console.take)
            return True

        _with_agent(options, work)

    try:
        run_command(root, [options.word, *options.words], obey, console)
    except KeyboardInterrupt:
        console.end("агент выполняет команду дальше, ответ будет в log/User/cmd")
    except (CommandFailed, ValueError) as error:
        console.end(str(error))
    if console.failure is None or console.failure:
        print(console.failure or "команда не выполнена", file=sys.stderr)
        return EXIT_PROBLEM
    return EXIT_OK


def _smsd_conf(options: argparse.Namespace) -> int:
    from engine.runtime.smsd_command import smsd_text

    try:
        print(smsd_text(options.root.resolve()), end="")
    except OSError as error:
        print(error, file=sys.stderr)
        return EXIT_PROBLEM
    return EXIT_OK


def _export(options: argparse.Namespace) -> int:
    from engine.export import export

    stopping: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda got, _: stopping.append(got))
    outcome = export(options.root.resolve(), options.path.absolute(), print, lambda: bool(stopping))
    print(outcome.text, file=sys.stderr if outcome.problem else sys.stdout)
    return EXIT_PROBLEM if outcome.problem else EXIT_OK


def _read_drops(options: argparse.Namespace) -> int:
    from engine.read_drops import merge_drops
    from engine.reasons import why

    try:
        merged = merge_drops(options.folders, options.output, progress=sys.stderr)
    except OSError as error:
        print(f"{error.filename}: {'такой папки нет' if error.errno == errno.ENOENT else why(error)}", file=sys.stderr)
        return EXIT_PROBLEM
    except ImportError:
        print("для таблицы .parquet нужен пакет pyarrow", file=sys.stderr)
        return EXIT_PROBLEM
    print(f"посылок {merged.drops}, строк {merged.rows}, повторов {merged.doubles}, не прочитано {merged.bad}")
    return EXIT_PROBLEM if merged.bad else EXIT_OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
