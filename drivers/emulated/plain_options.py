"""What emulated devices outside the ТЭМ family have in common on the command line."""

from __future__ import annotations

import argparse

from drivers.emulated.faults import FAULTS


def add_plain(parser: argparse.ArgumentParser) -> None:
    """Serial number, addresses, seed and faults, as `tem_command_line.line_of` wants them."""
    add = parser.add_argument
    add("--serial", type=int, metavar="N", help="заводской номер; у следующих приборов на линии на 1 больше")
    add("--address", type=int, nargs="+", default=[1], metavar="A", help="сетевые адреса: по прибору на каждый")
    add("--seed", type=int, default=0, metavar="N", help="другое число — другие значения")
    faults = f"помеха в каждом N-м ответе: {', '.join(FAULTS)}"
    add("--fault", action="append", default=[], metavar="ВИД[:N[:X]]", help=faults)
