"""A server as a delivery sees it, in memory, that can fail before or after any of its steps."""

from __future__ import annotations

from engine.errors import DeliveryFailed, NameTaken


class PowerCut(Exception):
    """The agent's process ends here: nothing that follows is done."""


class FarServer:
    """`steps` lists what was asked; `breaks` maps the number of a step (from 0) to what is raised.

    With `late` the step is done first: the answer was lost. Otherwise it is not done. `abort` makes every step fail.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.steps: list[str] = []
        self.breaks: dict[int, Exception] = {}
        self.late = False
        self.lists = True
        self.gives_out = True
        self.sizes = True
        self.aborted = False
        self.closed = 0

    def open(self) -> None:
        self._step("open", lambda: None)

    def exists(self, name: str) -> bool:
        self._step(f"exists {name}", lambda: None)
        return name in self.files

    def highest_seq(self, number: int) -> int | None:
        self._step("list", lambda: None)
        if not self.lists:
            return None
        return max((int(name.split("_")[1]) for name in self.files if name.startswith(f"{number}_")), default=0)

    def clear(self, name: str, *, is_new: bool) -> None:
        if is_new and f"{name}.part" in self.files:
            raise NameTaken(f"{name}.part")

    def store(self, name: str, data: bytes) -> None:
        self._step(f"part {name}", lambda: self.files.update({f"{name}.part": data}))

    def rename(self, name: str, size: int) -> None:
        if name in self.files:
            raise NameTaken(name)
        self._step(f"rename {name}", lambda: self.files.update({name: self.files.pop(f"{name}.part")}))
        if len(self.files[name]) != size:
            raise NameTaken(name)

    def size(self, name: str) -> int | None:
        self._step(f"size {name}", lambda: None)
        return len(self.files[name]) if self.sizes else None

    def holds(self, name: str, data: bytes) -> bool | None:
        self._step(f"check {name}", lambda: None)
        return self.files[name] == data if self.gives_out else None

    def fetch(self, name: str, limit: int) -> bytes | None:
        self._step(f"fetch {name}", lambda: None)
        return self.files[name][:limit] if self.gives_out else None

    def close(self) -> None:
        self.closed += 1

    def abort(self) -> None:
        self.aborted = True

    def _step(self, step: str, work: object) -> None:
        assert callable(work)
        failure = self.breaks.get(len(self.steps))
        self.steps.append(step)
        if self.aborted:
            raise DeliveryFailed("соединение разорвано")
        if failure is None or self.late:
            work()
        if failure is not None:
            raise failure
