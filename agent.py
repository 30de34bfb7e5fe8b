"""ТСМ-смарт: the agent beside heat meters. Arguments, signals, exit codes; nothing else.

What only one command needs is imported there: the agent itself lives for months in little memory.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import drivers
from engine.config import check
from engine.console import Progress
from engine.runtime.agent import Agent
from engine.runtime.root_lock import RootTaken
from engine.runtime.tracing import Trace

EXIT_OK, EXIT_PROBLEM, EXIT_ROOT_TAKEN = 0, 1, 3


def main(arguments: Sequence[str]) -> int:
    """Run the command line; returns the exit code."""
    if arguments[:1] == ["emulate"]:
        from drivers import emulated
        from engine import emulate

        return emulate.main(arguments[1:], emulated.load())
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.command
    return command(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="agent.py", description="ТСМ-смарт: сбор данных с теплосчётчиков")
    parser.add_argument("--root", type=Path, default=Path(__file__).parent, metavar="ПАПКА", help="где лежат log и www")
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


def _read_drops(options: argparse.Namespace) -> int:
    from engine.read_drops import merge_drops

    try:
        merged = merge_drops(options.folders, options.output, progress=sys.stderr)
    except (OSError, ImportError) as error:
        print(error, file=sys.stderr)
        return EXIT_PROBLEM
    print(f"посылок {merged.drops}, строк {merged.rows}, повторов {merged.doubles}, не прочитано {merged.bad}")
    return EXIT_PROBLEM if merged.bad else EXIT_OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
