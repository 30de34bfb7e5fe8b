"""The whole way on emulated meters: two meters, the agent that polls them, a dispatch server that receives drops.

Everything happens in `demo/`, which is made anew. Ctrl-C ends it.
"""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PROJECT))

from drivers.emulated import tem  # noqa: E402
from engine.emulate import PtyServer, TcpServer  # noqa: E402
from engine.emulate.line import Line  # noqa: E402
from engine.ftpd import FtpServer  # noqa: E402
from engine.settings import parse_ftp  # noqa: E402

DEMO = PROJECT / "demo"
MARK = "made by the demo"
DISPATCH_USER, DISPATCH_PASSWORD = "dispatch", "dispatch-demo"


def main() -> int:
    """Run until Ctrl-C; returns the exit code of the agent."""
    agent_root, dispatch_root = _fresh_folders()
    with ExitStack() as stack:
        serial = stack.enter_context(PtyServer(Line(_tesmart(), baud=9600)))
        network = stack.enter_context(TcpServer(Line(_tem106(), baud=0)))
        dispatch = _dispatch_server(dispatch_root)
        stack.callback(dispatch.stop)
        ftp_port = _free_port()
        _configure(agent_root, serial.device, network.port, dispatch.port, ftp_port)
        _tell_where(agent_root, dispatch_root, serial.device, network.port, ftp_port)
        return _run_agent(agent_root)


def _fresh_folders() -> tuple[Path, Path]:
    if DEMO.exists() and not (DEMO / "README.txt").exists():
        sys.exit(f"{DEMO} is not a folder of the demo: move it away")
    shutil.rmtree(DEMO, ignore_errors=True)
    agent_root, dispatch_root = DEMO / "agent", DEMO / "dispatch"
    for folder in (agent_root / "log/User/devices", dispatch_root / "log/Ftp", dispatch_root / "www"):
        folder.mkdir(parents=True)
    (DEMO / "README.txt").write_text(f"{MARK}: it is removed at the next start\n", encoding="utf-8")
    return agent_root, dispatch_root


def _tesmart() -> tem.Meter:
    options = tem.Options(model="tesmart", flash_kb=512, records=(200, 60, 12))
    return tem.Meter(options, now=datetime.now().replace(microsecond=0))


def _tem106() -> tem.Meter:
    options = tem.Options(model="tem106", serial=440020, systems=3, flash_kb=512, records=(864, 368, 128))
    return tem.Meter(options, now=datetime.now().replace(microsecond=0))


def _dispatch_server(root: Path) -> FtpServer:
    text = f"[internal]\nBind=127.0.0.1\nPort=2121\nInboxUser={DISPATCH_USER}\nInboxPassword={DISPATCH_PASSWORD}\n"
    settings, _ = parse_ftp("log/User/ftp.ini", text.replace("2121", str(_free_port())))
    server = FtpServer(root, settings.internal, lambda _path, _content: None, lambda _path: None)
    server.start()
    return server


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _configure(root: Path, terminal: str, meter_port: int, dispatch_port: int, ftp_port: int) -> None:
    user = root / "log/User"
    files = {
        "agent.ini": "[agent]\nNumber=1\nName=ТСМ-СМАРТ (проба)\nPollInterval=5\n[usb]\nExport=0\n",
        "ftp.ini": (
            f"[internal]\nBind=127.0.0.1\nPort={ftp_port}\n\n[server1]\nEnabled=1\nHost=127.0.0.1\nPort={dispatch_port}\n"
            f"User={DISPATCH_USER}\nPassword={DISPATCH_PASSWORD}\nDirectory=log/Ftp\nInterval=10\n"
        ),
        "devices/kotelnaya.ini": f"[device]\nDevType=ТЕМ-104\nPort={terminal}\nBaud=9600\nNetAddr=1\n",
        "devices/dom-13.ini": (
            f"[device]\nDevType=ТЕМ-106/1\nConnection=TCP\nNetIP=127.0.0.1\nNetPort={meter_port}\nNetAddr=1\n"
        ),
    }
    for name, text in files.items():
        (user / name).write_text(text, encoding="utf-8")


def _tell_where(root: Path, dispatch_root: Path, terminal: str, meter_port: int, ftp_port: int) -> None:
    relative = root.relative_to(PROJECT)
    print(
        f"""Two emulated meters, one agent, one dispatch server; Ctrl-C ends it.
  meters           ТЭСМАРТ №476721 on {terminal} at 9600 baud, ТЭМ-106 №440020 on 127.0.0.1:{meter_port}
  settings         {relative}/log/User/     (edit them: they act at once)
  state            {relative}/log/User/status.txt
  snapshots        {relative}/log/User/txt/
  archives         {relative}/www/
  drops received   {dispatch_root.relative_to(PROJECT)}/log/Ftp/
  the same by FTP  ftp://TsmSmartFtp:TsmSmartFtp@127.0.0.1:{ftp_port}/
""",
        flush=True,
    )


def _run_agent(root: Path) -> int:
    """Ctrl-C reaches the agent too: it is only waited for."""
    agent = subprocess.Popen([sys.executable, str(PROJECT / "agent.py"), "--root", str(root), "run"])
    signal.signal(signal.SIGTERM, lambda *_: agent.terminate())
    while True:
        try:
            return agent.wait()
        except KeyboardInterrupt:
            time.sleep(0.1)


if __name__ == "__main__":
    sys.exit(main())
