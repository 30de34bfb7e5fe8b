"""What depends on more than one configuration file: their one `Settings`, and the warnings that go with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from engine import naming
from engine.errors import Problem
from engine.settings import DeviceSettings, Parsed, check_file
from engine.template.modbus_map import Template

_TOLD_MOST = 10


def cross_check(
    devices: Iterable[DeviceSettings], find_template: Callable[[str], Template | None]
) -> tuple[tuple[DeviceSettings, ...], tuple[Problem, ...]]:
    """The devices in the order of their files, and warnings: one DevNumber twice, a template that is not there.

    `find_template` knows templates by their bare names; each device is given its own. Of two enabled devices with
    one DevNumber the second by file name is put out of service here: its `enabled` is False.
    """
    firsts: dict[str, str] = {}
    checked: list[DeviceSettings] = []
    warnings: list[Problem] = []
    for device in sorted(devices, key=lambda device: device.file):
        path = f"{naming.DEVICES}/{device.file}"
        first = firsts.setdefault(device.dev_number.lower(), device.file) if _is_named(device) else device.file
        if first != device.file:
            warnings.append(Problem(path, 0, f"DevNumber тот же, что в {first}: этот прибор не опрашивается", True))
            device = replace(device, enabled=False)
        if device.template:
            device = replace(device, template_map=find_template(device.template))
            if device.template_map is None:
                warnings.append(Problem(path, 0, f"нет шаблона {device.template} в {naming.TEMPLATES}/", True))
        checked.append(device)
    return tuple(checked), tuple(warnings)


def refusal(path: str, content: bytes) -> str | None:
    """Why an upload must not take the place of a configuration file: one line without secrets, at most ten problems.

    None when it may, or when it is no configuration file. The file stands without its folder: `agent.ini:3: …`.
    """
    errors = [problem for problem in check_file(path, content) if not problem.warning]
    if not errors:
        return None
    name = path.rpartition("/")[2]
    told = [str(replace(problem, path=name)) for problem in errors[:_TOLD_MOST]]
    return "; ".join(told + [f"и ещё {len(errors) - len(told)}"] * (len(errors) > len(told)))


def consequence(path: str, in_force: Parsed | None, factory: bool) -> str:
    """What happens now that a file was refused; `factory`: the factory's settings are what is in force."""
    if in_force is None:
        is_device = path.startswith(f"{naming.DEVICES}/")
        return "файл не принят, прибор не опрашивается" if is_device else "файл не принят и не действует"
    return f"файл не принят, действуют {'заводские' if factory else 'последние исправные'} настройки"


def _is_named(device: DeviceSettings) -> bool:
    return device.enabled and bool(device.dev_number)
