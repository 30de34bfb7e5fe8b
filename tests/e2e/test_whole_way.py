"""From the wire to the dispatch system's folder: two meters, one agent, two FTP servers of Debian."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

import pytest

from drivers.emulated import tem
from engine.emulate import PtyServer, TcpServer
from engine.emulate.line import Line
from tests.e2e.drops import Key, assert_in_one_row, assert_nothing_unfinished, keys_in, keys_of, received
from tests.e2e.truth import (
    assert_all_true,
    assert_growth_adds_up,
    assert_shows,
    current_of,
    records_of,
    wait_for_archive,
)
from tests.fake.agent_process import (
    AgentProcess,
    configure,
    eventually,
    read,
    serial_device,
    server_text,
    stored,
    tcp_device,
)
from tests.fake.debian_servers import DebianServer, proftpd, vsftpd

NOW = datetime(2026, 9, 25, 14, 30, 7)
TESMART, TEM106 = "476721", "440020"


@dataclass(frozen=True)
class Site:
    """Everything around an agent that has done all its work, and was stopped."""

    agent: AgentProcess
    meters: dict[str, tem.Meter]
    servers: tuple[DebianServer, ...]

    @property
    def root(self) -> Path:
        return self.agent.root


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    base = tmp_path_factory.mktemp("site")
    tesmart = tem.Meter(tem.Options(model="tesmart", flash_kb=512, records=(24, 8, 3)), now=NOW)
    tem106 = tem.Meter(
        tem.Options(model="tem106", serial=440020, systems=3, records=(864, 30, 12), gaps=(GAP,)), now=NOW
    )
    with ExitStack() as stack:
        # Meters whose time stands still have one truth only.
        terminal = stack.enter_context(PtyServer(Line(tesmart, baud=115200, time_scale=0)))
        network = stack.enter_context(TcpServer(Line(tem106, baud=0, turnaround_s=0, time_scale=0)))
        servers = stack.enter_context(vsftpd(base)), stack.enter_context(proftpd(base))
        agent = AgentProcess(base / "root")
        configure(
            agent.root,
            ftp="[internal]\nEnabled=0\n"
            + "".join(
                server_text(f"server{n}", server.port, server.user, server.password, Directory="in/ТСМ")
                for n, server in enumerate(servers, 1)
            ),
            devices={
                "kotelnaya.ini": serial_device(terminal.device, Baud=115200, DevType="ТЭМ-104", BlockSize=64),
                "dom-13.ini": tcp_device(network.port, DevType="TEM-106/1"),
            },
        )
        meters = {TESMART: tesmart, TEM106: tem106}
        with agent:
            for number, meter in meters.items():
                wait_for_archive(agent, number, meter)
            everything = everything_stored(agent.root, meters)
            for server in servers:
                eventually(partial(has_got, server, everything), "everything delivered", agent)
        yield Site(agent, meters, servers)


def has_got(server: DebianServer, everything: Counter[Key]) -> bool:
    return keys_in(received(folder_of(server), "dos")) == everything


def everything_stored(root: Path, numbers: Iterable[str]) -> Counter[Key]:
    return sum((keys_of(number, stored(root, number)) for number in numbers), Counter())


GAP = (datetime(2026, 9, 20, 3, 20), datetime(2026, 9, 20, 8, 40))
"""Without power: no records of 4:00 to 8:00."""


def folder_of(server: DebianServer) -> Path:
    return server.folder / "in/ТСМ"


@pytest.mark.parametrize("number", [TESMART, TEM106])
def test_the_archive_is_all_that_the_meter_has_and_nothing_else(site: Site, number: str) -> None:
    blocks = stored(site.root, number)
    assert assert_all_true(blocks, site.meters[number]) == set(records_of(site.meters[number]))
    assert_growth_adds_up(blocks)


@pytest.mark.parametrize("number", [TESMART, TEM106])
def test_the_snapshot_shows_the_meter_as_it_is(site: Site, number: str) -> None:
    meter = site.meters[number]
    shown = site.agent.shown(number)
    assert_shows(shown, current_of(meter))
    assert (shown["Online"], shown["MeterNumber"], shown["DevNumber"]) == ("1", number, number)
    assert (shown["Date"], shown["Time"]) == ("25.09.26", "14:30:07")
    assert shown["NumSystems"] == str(len(meter.options.system_list))


@pytest.mark.parametrize("number", [TESMART, TEM106])
def test_the_snapshot_shows_the_newest_hour_and_day(site: Site, number: str) -> None:
    truth = records_of(site.meters[number])
    for section, letter, stamp in (("1", "H", "25.09.26 14:00:00"), ("2", "D", "25.09.26 00:00:00")):
        shown = site.agent.shown(number, section)
        assert (shown["RecType"], shown["DateTime"]) == (letter, stamp)
        assert_shows(shown, truth[letter, stamp].values)
        assert shown["S1dTall"] != ""


def test_the_written_type_is_the_one_of_the_table(site: Site) -> None:
    assert site.agent.shown(TESMART)["DevType"] == "ТЕМ-104"
    assert site.agent.shown(TEM106)["DevType"] == "ТЕМ-106/1"


def test_hours_without_power_are_told_as_missing_in_the_meter(site: Site) -> None:
    assert read(site.root / f"www/{TEM106}/gaps.txt") == "H;20.09.26 04:00:00;20.09.26 08:00:00;нет в приборе\n"
    assert read(site.root / f"www/{TESMART}/gaps.txt") == ""


def test_status_tells_devices_lines_and_servers(site: Site) -> None:
    status = site.agent.status()
    assert "Ошибок нет" in status
    assert f"kotelnaya.ini: ТЕМ-104 №{TESMART} /dev/pts/" in status
    assert f"dom-13.ini: ТЕМ-106/1 №{TEM106} 127.0.0.1:" in status
    assert status.count("; на связи; ") == 2
    assert status.count("; архив полон") == 2
    assert status.count("; работает; посылка №") == 2
    assert "Внутренние сбои" not in status
    assert "агент остановлен" in status


@pytest.mark.parametrize("variant", ["linux", "dos"])
@pytest.mark.parametrize("server", [0, 1], ids=["vsftpd", "proftpd"])
def test_every_record_is_in_exactly_one_drop(site: Site, server: int, variant: str) -> None:
    drops = received(folder_of(site.servers[server]), variant)
    got = keys_in(drops)
    assert set(got.values()) == {1}
    assert got == everything_stored(site.root, site.meters)
    assert_in_one_row(drops)


@pytest.mark.parametrize("server", [0, 1], ids=["vsftpd", "proftpd"])
def test_both_variants_of_a_drop_say_the_same(site: Site, server: int) -> None:
    folder = folder_of(site.servers[server])
    assert_nothing_unfinished(folder)
    for linux, dos in zip(received(folder, "linux"), received(folder, "dos"), strict=True):
        assert linux.records == dos.records
        assert linux.snapshots == dos.snapshots
        assert (linux.info.encoding, dos.info.encoding) == ("utf-8", "cp1251")


@pytest.mark.parametrize("number", [TESMART, TEM106])
def test_records_in_drops_are_those_of_the_meter(site: Site, number: str) -> None:
    drops = received(folder_of(site.servers[0]), "dos")
    blocks = [
        block for drop in drops for key, file in drop.records.items() if key[0] == number for block in file.blocks
    ]
    assert assert_all_true(blocks, site.meters[number]) == set(records_of(site.meters[number]))
