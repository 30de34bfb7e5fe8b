"""Memory and CPU at rest and at work, beside weewx's simulator station and thingsboard-gateway, at the same time."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from drivers.emulated.modbus import HeatMeter
from engine.emulate import TcpServer
from engine.emulate.line import Line
from scripts.bench_peers import OURS, RUNS, beside, pss_mib, python_of, used_s
from tests.fake.agent_process import AgentProcess, configure, eventually, put, tcp_device

WEEWX = ("weewx==5.5.2",)
THINGSBOARD = ("thingsboard-gateway==3.8.5", "pymodbus==3.9.2", "pyserial-asyncio==0.6")
SIMULATOR = "weewx.drivers.simulator"
SETTLE_S = 20.0
WINDOW_S = 6.0
INTERVAL_S = 1
TEMPLATE = "[template]\nName=Bench\n[values]\nS1T1=16 float unit °C\nS1T2=18 float unit °C\n"
REGISTERS = {"T1": 16, "T2": 18}


def idle(base: Path) -> Iterator[tuple[str, str]]:
    """Each program first as it comes, without a device where it can be, then with one reading of one a second."""
    for state, busy in (("at rest", False), (f"one device, every {INTERVAL_S} s", True)):
        folder = base / str(int(busy))
        folder.mkdir()
        with ExitStack() as stack:
            pids = {
                OURS: stack.enter_context(_agent(folder, busy=busy)),
                "weewx (simulator)": stack.enter_context(_weewx(folder, busy=busy)),
                "thingsboard-gateway": stack.enter_context(_thingsboard(folder, busy=busy)),
            }
            time.sleep(SETTLE_S)
            memory, cpu = _watched(pids)
        yield from beside(f"{state}: memory (PSS)", memory, "MiB", 1)
        yield from beside(f"{state}: CPU in a second", cpu, "ms", 2)


def _watched(pids: dict[str, int]) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Memory, and milliseconds of CPU in a second, of all of them in the same windows of time."""
    memory: dict[str, list[float]] = {name: [] for name in pids}
    cpu: dict[str, list[float]] = {name: [] for name in pids}
    for _ in range(RUNS):
        begun_s = {name: used_s(pid) for name, pid in pids.items()}
        time.sleep(WINDOW_S)
        for name, pid in pids.items():
            cpu[name].append(1000 * (used_s(pid) - begun_s[name]) / WINDOW_S)
            memory[name].append(pss_mib(pid))
    return memory, cpu


# --- the programs


@contextmanager
def _agent(base: Path, *, busy: bool) -> Iterator[int]:
    with _meter() as (_, port):
        template = "templates/bench.ini"
        device = tcp_device(port, DevType="Modbus", Template="bench", DevNumber=7001)
        configure(base / "agent", agent={"PollInterval": INTERVAL_S}, devices={"a.ini": device} if busy else {})
        put(base / "agent", template, TEMPLATE)
        with AgentProcess(base / "agent") as agent:
            if busy:
                eventually(lambda: agent.shown("7001").get("Online") == "1", "a reading", agent)
            yield agent.pid


@contextmanager
def _weewx(base: Path, *, busy: bool) -> Iterator[int]:
    """Its simulator makes its readings itself: no line, no device; one in 2.5 s unless it is told otherwise."""
    python, folder = python_of("weewx", *WEEWX), base / "weewx"
    _quietly([python.with_name("weectl"), "station", "create", folder, "--no-prompt", f"--driver={SIMULATOR}"], base)
    config = folder / "weewx.conf"
    if busy:
        config.write_text(re.sub(r"loop_interval = [\d.]+", f"loop_interval = {INTERVAL_S}", config.read_text()))
    yield from _running([python.with_name("weewxd"), "--config", config], base, {})


@contextmanager
def _thingsboard(base: Path, *, busy: bool) -> Iterator[int]:
    """With a broker that takes everything, for without one it does nothing but look for it."""
    python, folder = python_of("thingsboard", *THINGSBOARD), base / "thingsboard"
    factory = next((python.parents[1] / "lib").glob("*/site-packages/thingsboard_gateway/config"))
    shutil.copytree(factory, folder)
    with _meter() as (meter, port), _Broker() as broker:
        main = json.loads((folder / "tb_gateway.json").read_text())
        main["thingsboard"] |= {"host": "127.0.0.1", "port": broker.port, "remoteConfiguration": False}
        connector = {"name": "Modbus", "type": "modbus", "configuration": "modbus.json"}
        main["connectors"] = [connector] if busy else []
        (folder / "tb_gateway.json").write_text(json.dumps(main))
        (folder / "modbus.json").write_text(json.dumps({"master": {"slaves": [_slave(port)]}}))
        command: list[str | Path] = [python.with_name("thingsboard-gateway")]
        for pid in _running(command, base, {"TB_GW_CONFIG_DIR": str(folder)}):
            if busy:
                eventually(lambda: meter.requests, "a reading of thingsboard-gateway")
            yield pid


def _slave(port: int) -> dict[str, object]:
    """What the gateway is to read, in its own terms."""
    values = [
        {"tag": tag, "type": "32float", "functionCode": 3, "objectsCount": 2, "address": address}
        for tag, address in REGISTERS.items()
    ]
    return {
        "host": "127.0.0.1", "port": port, "type": "tcp", "method": "socket", "unitId": 1, "deviceName": "bench",
        "deviceType": "default", "timeout": 5, "byteOrder": "BIG", "wordOrder": "BIG", "retries": 1,
        "pollPeriod": 1000 * INTERVAL_S, "attributes": [], "timeseries": values, "attributeUpdates": [], "rpc": [],
    }  # fmt: skip


@contextmanager
def _meter() -> Iterator[tuple[HeatMeter, int]]:
    """A Modbus/TCP device and its port; each program has its own."""
    meter = HeatMeter(frame="tcp")
    with TcpServer(Line(meter, baud=0, turnaround_s=0.0, time_scale=0)) as server:
        yield meter, server.port


def _quietly(command: list[str | Path], base: Path) -> None:
    environment = {**os.environ, "HOME": str(base)}
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _running(command: list[str | Path], base: Path, environment: dict[str, str]) -> Iterator[int]:
    void = subprocess.DEVNULL
    told = {**os.environ, "HOME": str(base), **environment}
    with subprocess.Popen(command, env=told, cwd=base, stdin=void, stdout=void, stderr=void) as program:
        try:
            yield program.pid
        finally:
            program.kill()


# --- an MQTT broker that takes everything and gives nothing


class _Broker:
    """MQTT 5: CONNECT, SUBSCRIBE, PUBLISH and PINGREQ are answered as if all were well."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])

    def __enter__(self) -> _Broker:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError), client, client.makefile("rb") as stream:
            while head := stream.read(1):
                body = stream.read(_length(lambda: stream.read(1)[0]))
                client.sendall(self._answer(head[0], body))

    def _answer(self, head: int, body: bytes) -> bytes:
        kind = head >> 4
        if kind == 1:
            return b"\x20\x03\x00\x00\x00"
        if kind == 3:
            topic_end = 2 + int.from_bytes(body[:2], "big")
            return b"\x40\x02" + body[topic_end : topic_end + 2] if head & 6 else b""
        if kind in (8, 10):
            return bytes(((kind + 1) << 4, 4)) + body[:2] + b"\x00\x00"
        return b"\xd0\x00" if kind == 12 else b""


def _length(next_byte: Callable[[], int]) -> int:
    """Seven bits a byte, the lowest first."""
    total = place = 0
    while (byte := next_byte()) & 0x80:
        total += (byte & 0x7F) << place
        place += 7
    return total + (byte << place)
