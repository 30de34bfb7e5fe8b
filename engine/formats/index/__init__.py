"""The static pages `index.html` of `www/` and of its folders (formats guide, section 8). Pure.

No script, nothing from elsewhere, colours of the reader's own system, relative links with the file name in them: a
page is the same from a flash drive and over HTTP. It changes when what it shows does, not with time.
"""

from __future__ import annotations

from engine.formats.index.device import device_card
from engine.formats.index.folder import by_date, folder_link
from engine.formats.index.page import listed, page, shown
from engine.formats.index.tree import AgentState, DeviceState, Tree


def main_page(agent: AgentState, tree: Tree) -> str:
    """`www/index.html`: devices of the settings, archives of others, reports newest first, other folders."""
    archives = {folder.number: folder for folder in tree.devices}
    known = {device.number for device in agent.devices}
    left = [DeviceState(number, "", "не опрашивается") for number in archives if number not in known]
    cards = [device_card(device, archives.get(device.number)) for device in (*agent.devices, *left)]
    reports, others = by_date(tree.folders)
    title = f"{agent.name} №{agent.number}"
    notices = "".join(f"<p><strong>Внимание:</strong> {shown(notice)}</p>\n" for notice in agent.notices)
    parts = [
        f"<p>{shown(agent.state)}</p>\n{notices}<h2>Приборы</h2>\n",
        "".join(cards) or "<p>Приборов нет.</p>\n",
        "<h2>Отчёты</h2>\n",
        listed(map(folder_link, reports)) or "<p>Отчётов пока нет.</p>\n",
    ]
    if others:
        parts += ["<h2>Другие папки</h2>\n", listed(folder_link(folder) for folder in others)]
    return page(title, "".join(parts), top=True)
