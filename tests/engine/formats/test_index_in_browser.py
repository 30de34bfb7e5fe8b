"""The static pages as a browser lays them out, on a phone and on a desk; left out where there is no Chromium."""

from __future__ import annotations

import html
import re
import shutil
import subprocess
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from engine.formats.gaps import Gap
from engine.formats.index import main_page
from engine.formats.index.device import device_page
from engine.formats.index.folder import folder_page
from engine.formats.index.tree import AgentState, ArchiveFile, DeviceFolder, DeviceState, Folder, StoredFile, Tree
from engine.model import RecType

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
TIMEOUT_S = 120.0
STAMP = datetime(2026, 9, 25, 23)
LONG = "оченьдлинноеназваниебезпробелов" * 4
NUMBER = "12345678901234567890"
WINDOW = """<!DOCTYPE html><body style="margin:0">
<iframe style="width:{width}px;height:800px;border:0" srcdoc="{page}"></iframe>
<script>onload=()=>{{const page=document.querySelector("iframe").contentDocument.documentElement;
document.title=`width ${{page.clientWidth}} overflow ${{page.scrollWidth-page.clientWidth}}`}}</script>"""
"""A window within the window: the browser's own is never narrower than 500 pixels, a phone is."""

ARCHIVE = DeviceFolder(
    NUMBER,
    [
        ArchiveFile("H-2026-09.txt", 999 * 1024, RecType.HOUR, STAMP, STAMP + timedelta(hours=1)),
        ArchiveFile("E-2026.txt", 1, RecType.EVENT),
    ],
    [Gap(RecType.HOUR, STAMP, STAMP + timedelta(hours=1), "удалено по ArchiveLimit")],
    [StoredFile(f"{LONG}.txt", 1)],
)
DEVICE = DeviceState(NUMBER, LONG, f"не на связи ({LONG})", "25.09.26 14:30:07", (LONG,), LONG)
PAGES = {
    "main": main_page(AgentState(LONG, 1, LONG, (LONG,), (DEVICE,)), Tree((ARCHIVE,), (Folder(LONG),))),
    "device": device_page(ARCHIVE, LONG),
    "reports": folder_page(
        Folder("Otchety250926", [StoredFile(f"from25082026to24092026_{NUMBER}s1.pdf", 10), StoredFile(LONG, 1)])
    ),
}


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")
@pytest.mark.parametrize("width", [320, 390, 1200])
@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_wider_than_the_window(tmp_path: Path, name: str, width: int) -> None:
    page = tmp_path / "index.html"
    page.write_text(WINDOW.format(width=width, page=html.escape(PAGES[name])), encoding="utf-8")
    seen = subprocess.run(
        [
            str(CHROMIUM), "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
            f"--user-data-dir={tmp_path / 'profile'}", "--window-size=1300,900", "--dump-dom", page.as_uri(),
        ],
        capture_output=True, check=True, timeout=TIMEOUT_S,
    ).stdout.decode()  # fmt: skip
    found = re.search(r"<title>width (\d+) overflow (-?\d+)</title>", seen)
    assert found is not None, seen[:500]
    assert (int(found[1]), int(found[2])) == (width, 0)
