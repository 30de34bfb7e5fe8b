"""What keys of `ftp.ini` say together: each may be right and the file wrong all the same."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from engine.settings.keyed import Keyed

if TYPE_CHECKING:
    from engine.settings import InternalFtp, Server


def check_users(taken: Keyed, ftp: InternalFtp) -> None:
    """Users of the embedded server: each with a name of its own and a password."""
    if ftp.enabled and not ftp.user and taken.sound("internal", "User"):
        taken.tell("internal", "User", "User: пусто, без имени встроенный сервер не работает")
    pairs = (("User", ftp.user, ftp.password), ("ReadUser", ftp.read_user, ftp.read_password),
             ("InboxUser", ftp.inbox_user, ftp.inbox_password))  # fmt: skip
    counts = Counter(user for _, user, _ in pairs if user)
    for name, user, password in pairs:
        secret = name.replace("User", "Password")
        if user and not password and taken.sound("internal", secret):
            taken.tell("internal", name, f"{name}: у пользователя нет пароля ({secret})")
        if counts[user] > 1:
            taken.tell("internal", name, f"{name}: это имя стоит у двух пользователей")


def check_servers(taken: Keyed, servers: tuple[Server, ...]) -> None:
    """External servers: what is switched on can be reached, and no two are one."""
    firsts: dict[tuple[str, int, str, str], str] = {}
    for server in (server for server in servers if server.enabled):
        for name, value in (("Host", server.host), ("User", server.user)):
            if not value and taken.sound(server.section, name):
                taken.tell(server.section, "Enabled", f"[{server.section}] включён (Enabled=1), а {name} не указан")
        first = firsts.setdefault(server.identity, server.section)
        if server.host and first != server.section:
            taken.tell(server.section, "Host", f"[{server.section}] тот же сервер, что [{first}]: "
                       "Host, Port, User и Directory совпадают")  # fmt: skip
