"""Settings for many agents over FTP: rendered for each, checked, compared, sent, and put back if need be.

    .venv/bin/python etc/fleet/roll_out.py agents.csv templates --dry-run   # what would change; sends nothing
    .venv/bin/python etc/fleet/roll_out.py agents.csv templates             # sends; once more: only what failed
    .venv/bin/python etc/fleet/roll_out.py agents.csv templates --back      # what stood there before

`agents.csv` has the columns address (host or host:port), user, password_file, and any others: `$name` in a template is
the column of that name, `$$` a dollar. A template has the path that the file has on the agent, e.g.
`templates/log/User/agent.ini`. docs/fleet.md tells the rest.
"""

from __future__ import annotations

import argparse
import difflib
import ftplib
import hashlib
import io
import json
import re
import ssl
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import NamedTuple

from agent_list import Agent, BadList, agents_of, rendered, templates_of

from engine import naming
from engine.files import make_folder, write_whole
from engine.settings import LIMIT_BYTES, lora
from engine.settings.keys import KEYS

TIMEOUT_S = 30.0
SAME, SENT, WOULD, EARLIER, BACK = "как есть", "отправлено", "будет отправлено", "сделано раньше", "возвращено"
REFUSED, WRONG, AWAY = "отказ", "файл неверен", "нет связи"
FAILURES = (REFUSED, WRONG, AWAY)
_SECRETS = {"AuthPass", *(key.name for keys in (*KEYS.values(), lora.KEYS) for key in keys if key.kind.secret)}
_SECRET = re.compile(rf"(?im)^([ +-]?[ \t;#]*(?:{'|'.join(sorted(_SECRETS))})[ \t]*=)(.*)$")
_FROM_WIRE = (OSError, EOFError, ftplib.Error, ValueError)


class TooLong(Exception):
    """A file of the agent is longer than any settings are."""


class Outcome(NamedTuple):
    """What became of one agent: one of the words above, why, and the differences that a dry run found."""

    agent: Agent
    word: str
    text: str = ""
    shown: str = ""


class Kept:
    """What is remembered of one agent: what it got last, and what stood there before. Passwords are in it: 0700."""

    def __init__(self, folder: Path, agent: Agent) -> None:
        self._folder = folder / agent.address
        self._done = self._folder / "done.json"

    def is_done(self, contents: Mapping[str, bytes]) -> bool:
        """Whether exactly these files were sent, and taken."""
        return self._done.exists() and json.loads(self._done.read_text(encoding="utf-8")) == _sums(contents)

    def note_done(self, contents: Mapping[str, bytes]) -> None:
        """The agent has all of them."""
        self._make(self._done)
        write_whole(self._done, json.dumps(_sums(contents), indent=1).encode(), synced=True)

    def forget_done(self) -> None:
        """The next run begins with this agent anew."""
        self._done.unlink(missing_ok=True)

    @contextmanager
    def keeping(self, path: str, former: bytes | None) -> Iterator[None]:
        """Keeps what stands on the agent (None = nothing) while another content is sent.

        A refusal changes nothing there, so then what was kept before stays the one to go back to.
        """
        places = [self._folder / "former" / name for name in (path, f"{path}.absent")]
        before = [place.read_bytes() if place.exists() else None for place in places]
        self._put(places, (former, b"" if former is None else None))
        try:
            yield
        except ftplib.error_perm:
            self._put(places, before)
            raise

    def former(self) -> dict[str, bytes | None]:
        """What stood on the agent, by path."""
        top = self._folder / "former"
        names = {path.relative_to(top).as_posix(): path for path in sorted(top.rglob("*")) if path.is_file()}
        return {
            name.removesuffix(".absent"): None if name.endswith(".absent") else path.read_bytes()
            for name, path in names.items()
        }

    def _put(self, places: Sequence[Path], contents: Sequence[bytes | None]) -> None:
        for place, content in zip(places, contents, strict=True):
            self._make(place)
            if content is None:
                place.unlink(missing_ok=True)
            else:
                write_whole(place, content, synced=True)

    def _make(self, path: Path) -> None:
        make_folder(path.parent)
        self._folder.chmod(0o700)


def _sums(contents: Mapping[str, bytes]) -> dict[str, str]:
    return {path: hashlib.sha256(content).hexdigest() for path, content in contents.items()}


class Wire:
    """A session with the embedded FTP server of one agent."""

    def __init__(self, ftp: ftplib.FTP) -> None:
        self._ftp = ftp

    def read(self, path: str) -> bytes | None:
        """What stands there; None for nothing."""
        taken = bytearray()

        def take(piece: bytes) -> None:
            taken.extend(piece)
            if len(taken) > LIMIT_BYTES:
                raise TooLong(path)

        try:
            self._ftp.retrbinary(f"RETR {path}", take)
        except ftplib.error_perm as error:
            if str(error).startswith("550"):
                return None
            raise
        return bytes(taken)

    def put(self, path: str, content: bytes | None) -> None:
        """Send a file, or delete it. The agent's refusal is an `ftplib.error_perm` with its text."""
        if content is None:
            self._ftp.delete(path)
        else:
            self._ftp.storbinary(f"STOR {path}", io.BytesIO(content))


@contextmanager
def session(agent: Agent, trust: ssl.SSLContext | None) -> Iterator[Wire]:
    """Logged in. With `trust` nothing goes in the clear, and the certificate is checked."""
    encrypted = ftplib.FTP_TLS(context=trust, timeout=TIMEOUT_S, encoding="utf-8") if trust else None
    ftp = encrypted or ftplib.FTP(timeout=TIMEOUT_S, encoding="utf-8")
    try:
        ftp.connect(agent.host, agent.port)
        ftp.login(agent.user, agent.password)
        if encrypted:
            encrypted.prot_p()
        yield Wire(ftp)
        with suppress(*_FROM_WIRE):
            ftp.quit()
    finally:
        ftp.close()


@dataclass(frozen=True)
class RollOut:
    """One run over all agents."""

    templates: Mapping[str, Template]
    state: Path
    dry: bool = False
    back: bool = False
    trust: ssl.SSLContext | None = None

    def of(self, agent: Agent) -> Outcome:
        """Do what is to be done with one agent. Raises nothing that an agent or its line can cause."""
        kept = Kept(self.state, agent)
        contents: dict[str, bytes | None] = {}
        if self.back:
            contents.update(kept.former())
            if not contents:
                return Outcome(agent, SAME, "возвращать нечего")
        else:
            files, problems = rendered(agent, self.templates)
            if problems:
                return Outcome(agent, WRONG, "; ".join(problems))
            if kept.is_done(files) and not self.dry:
                return Outcome(agent, EARLIER)
            contents.update(files)
        sent: list[str] = []
        try:
            with session(agent, self.trust) as wire:
                return self._over(wire, agent, contents, kept, sent)
        except (*_FROM_WIRE, TooLong) as error:
            word = REFUSED if isinstance(error, ftplib.error_perm) else AWAY
            done = f" (до этого: {', '.join(sent)})" if sent else ""
            return Outcome(agent, word, f"{' '.join(str(error).split()) or type(error).__name__}{done}")

    def _over(
        self, wire: Wire, agent: Agent, contents: Mapping[str, bytes | None], kept: Kept, sent: list[str]
    ) -> Outcome:
        shown = []
        for path, content in contents.items():
            standing = wire.read(path)
            if standing == content:
                continue
            shown.append(difference(agent.address, path, standing, content))
            if self.back:
                wire.put(path, content)
            elif not self.dry:
                with kept.keeping(path, standing):
                    wire.put(path, content)
            sent.append(path)
        if self.dry:
            return Outcome(agent, WOULD if sent else SAME, ", ".join(sent), "".join(shown))
        if self.back:
            kept.forget_done()
        else:
            kept.note_done({path: content for path, content in contents.items() if content is not None})
        return Outcome(agent, (BACK if self.back else SENT) if sent else SAME, ", ".join(sent))


def difference(address: str, path: str, standing: bytes | None, wanted: bytes | None) -> str:
    """What a file would change, line by line, without a secret: a value that changes is `***` on both sides."""
    if path.casefold().startswith(f"{naming.VPN}/".casefold()):
        return f"{address}/{path}: другой\n"
    old, new = ((each or b"").decode("utf-8-sig", "replace").splitlines() for each in (standing, wanted))
    names = (address + "/" + path, "новый" if wanted is not None else "удаляется")
    lines = "\n".join(difflib.unified_diff(old, new, *names, lineterm=""))
    return _SECRET.sub(r"\1***", lines) + "\n"


def main(arguments: Sequence[str]) -> int:
    """Run the command line: 0 = every agent is as wanted, 1 = not all, 2 = nothing was begun."""
    parser = argparse.ArgumentParser(prog="roll_out", description="настройки на многих агентов по FTP")
    parser.add_argument("agents", type=Path, metavar="АГЕНТЫ.csv")
    parser.add_argument("templates", type=Path, metavar="ШАБЛОНЫ")
    parser.add_argument("--dry-run", action="store_true", dest="dry", help="показать разницу, ничего не посылать")
    parser.add_argument("--back", action="store_true", help="вернуть то, что было до отправки")
    parser.add_argument("--state", type=Path, help="где хранится сделанное и прежнее; иначе АГЕНТЫ.state")
    parser.add_argument("--parallel", type=int, default=16, metavar="N", help="сколько агентов сразу")
    parser.add_argument("--tls", action="store_true", help="только с шифрованием")
    parser.add_argument("--ca", type=Path, help="кому верить, PEM")
    options = parser.parse_args(arguments)
    state: Path = options.state or options.agents.with_suffix(".state")
    try:
        agents, templates = agents_of(options.agents), templates_of(options.templates)
        trust = ssl.create_default_context(cafile=options.ca) if options.tls else None
        run = RollOut(templates, state, options.dry, options.back, trust)
    except (BadList, OSError, UnicodeError) as error:
        print(error, file=sys.stderr)
        return 2
    words: Counter[str] = Counter()
    with ThreadPoolExecutor(max(options.parallel, 1), "agent") as pool:
        for outcome in pool.map(run.of, agents):
            words[outcome.word] += 1
            print(f"{outcome.shown}{outcome.agent.address:<24} {outcome.word:<16} {outcome.text}".rstrip(), flush=True)
    print(f"агентов {len(agents)}: {', '.join(f'{word} {count}' for word, count in words.most_common())}")
    return 1 if any(words[word] for word in FAILURES) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
