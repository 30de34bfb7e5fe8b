from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import config as config_module
from engine import files, naming
from engine.config import FACTORY, GOOD, Config, check
from engine.errors import SettingsWrong
from engine.settings import Settings

SERIAL = "[device]\nPort=ttyS1\nDevNumber={}\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


def put(root: Path, path: str, text: str) -> None:
    """As an upload does it: whole, under its final name."""
    files.write_whole(root / path, text.encode(), synced=False)


def device(root: Path, name: str, text: str) -> None:
    put(root, f"{naming.DEVICES}/{name}", text)


def told(config: Config) -> list[str]:
    return [str(problem) for problem in config.problems]


def tree(root: Path) -> dict[str, tuple[int, int]]:
    """Every file with what a write would change."""
    found = {}
    for path in root.rglob("*"):
        if path.is_file():
            found[str(path.relative_to(root))] = (path.stat().st_mtime_ns, path.stat().st_ino)
    return found


# --- the tree


def test_a_start_on_an_empty_root_makes_the_whole_tree(root: Path) -> None:
    config = Config(root)
    settings = config.load()
    assert all((root / folder).is_dir() for folder in naming.FOLDERS)
    for path in naming.RESTORED:
        assert (root / path).read_bytes() == (FACTORY / path).read_bytes()
    assert set(config.restored) == {*naming.FOLDERS, *naming.RESTORED}
    assert (root / naming.DEVICES / "primer.ini.txt").is_file()
    assert settings.agent.number == 1
    assert settings.devices == ()
    assert config.problems == ()


def test_a_second_look_at_the_same_files_changes_and_writes_nothing(root: Path) -> None:
    config = Config(root)
    settings = config.load()
    before = tree(root)
    assert config.reload() == (settings, False)
    assert config.restored == ()
    assert tree(root) == before


def test_files_that_did_not_change_are_not_read_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = Config(root)
    device(root, "a.ini", SERIAL.format(1))
    config.load()
    monkeypatch.setattr(files, "read_limited", lambda path, _: pytest.fail(f"{path} was read"))
    assert config.reload()[1] is False


@pytest.mark.parametrize("path", naming.RESTORED)
def test_a_deleted_file_comes_back_from_the_factory(root: Path, path: str) -> None:
    config = Config(root)
    config.load()
    (root / path).unlink()
    assert config.reload()[1] is False
    assert (root / path).read_bytes() == (FACTORY / path).read_bytes()
    assert config.restored == (path,)


def test_a_deleted_file_comes_back_from_its_last_good_copy(root: Path) -> None:
    config = Config(root)
    config.load()
    put(root, naming.AGENT_INI, "[agent]\nNumber=7\n")
    assert config.reload()[1] is True
    (root / naming.AGENT_INI).unlink()
    settings, changed = config.reload()
    assert (settings.agent.number, changed) == (7, False)
    assert (root / naming.AGENT_INI).read_text() == "[agent]\nNumber=7\n"


def test_the_whole_of_log_comes_back_except_devices(root: Path) -> None:
    config = Config(root)
    device(root, "a.ini", SERIAL.format(1))
    put(root, naming.AGENT_INI, "[agent]\nNumber=7\n")
    config.load()
    shutil.rmtree(root / naming.LOG)
    settings, changed = config.reload()
    assert (settings.agent.number, settings.devices, changed) == (7, (), True)
    assert (root / naming.VPN).is_dir()


def test_the_example_of_a_device_stays_away_once_it_was_deleted(root: Path) -> None:
    config = Config(root)
    config.load()
    (root / naming.DEVICES / "primer.ini.txt").unlink()
    config.reload()
    Config(root).load()
    assert not (root / naming.DEVICES / "primer.ini.txt").exists()


def test_a_file_emptied_by_a_power_failure_comes_back_at_the_start(root: Path) -> None:
    put(root, naming.AGENT_INI, "[agent]\nNumber=7\n")
    Config(root).load()
    (root / naming.AGENT_INI).write_bytes(b"")
    assert Config(root).load().agent.number == 7
    assert (root / naming.AGENT_INI).read_text() == "[agent]\nNumber=7\n"


def test_a_file_that_an_editor_has_just_emptied_is_left_to_him_at_first(root: Path) -> None:
    config = Config(root)
    config.load()
    put(root, naming.AGENT_INI, "[agent]\nNumber=7\n")
    config.reload()
    path = root / naming.AGENT_INI
    with path.open("w") as file:
        settings, changed = config.reload()
        assert (settings.agent.number, changed) == (7, False)
        assert path.stat().st_size == 0
        file.write("[agent]\nNumber=8\n")
    assert config.reload()[0].agent.number == 8
    assert config.problems == ()


def test_a_file_that_stays_empty_comes_back(root: Path) -> None:
    config = Config(root)
    config.load()
    (root / naming.FTP_INI).write_bytes(b"")
    config.reload()
    config.reload()
    assert (root / naming.FTP_INI).read_bytes() == (FACTORY / naming.FTP_INI).read_bytes()
    assert config.problems == ()


def test_an_empty_device_file_is_told_and_its_last_good_settings_stay(root: Path) -> None:
    config = Config(root)
    device(root, "a.ini", SERIAL.format(1))
    config.load()
    (root / naming.DEVICES / "a.ini").write_bytes(b"")
    for _ in range(3):
        settings, changed = config.reload()
        assert ([each.dev_number for each in settings.devices], changed) == (["1"], False)
    assert any("a.ini: файл пуст" in text for text in told(config))


def test_a_folder_where_a_file_should_stand_is_told_and_does_not_stop_the_agent(root: Path) -> None:
    (root / naming.AGENT_INI).mkdir(parents=True)
    config = Config(root)
    assert config.load().agent.number == 1
    assert "log/User/agent.ini: это не обычный файл" in told(config)


def test_a_disk_that_cannot_be_written_is_told_and_tried_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> bool:
        raise OSError(errno.ENOSPC, "full")

    config = Config(root)
    config.load()
    with monkeypatch.context() as patched:
        patched.setattr(config_module.files, "write_whole", full)
        (root / naming.AGENT_INI).write_text("[agent]\nNumber=9\n")
        (root / naming.REVALIASES).unlink()
        settings, changed = config.reload()
        assert (settings.agent.number, changed) == (9, True)
        assert set(told(config)) == {
            "log/User/agent.ini: копия исправных настроек не записана: нет места на диске",
            "log/User/revaliases: не восстановлено: нет места на диске",
            "log/User/revaliases: файла нет",
            "log/User/revaliases: файл не принят, действуют последние исправные настройки",
        }
    assert config.reload()[1] is False
    assert config.problems == ()
    assert (root / GOOD / naming.AGENT_INI).read_text() == "[agent]\nNumber=9\n"


# --- last good


def test_a_good_change_acts_and_becomes_the_last_good_copy(root: Path) -> None:
    config = Config(root)
    config.load()
    put(root, naming.AGENT_INI, "[agent]\nPollInterval=5\n")
    settings, changed = config.reload()
    assert (settings.agent.poll_interval_s, changed) == (5, True)
    assert (root / GOOD / naming.AGENT_INI).read_text() == "[agent]\nPollInterval=5\n"


def test_a_new_comment_is_no_change(root: Path) -> None:
    config = Config(root)
    config.load()
    put(root, naming.AGENT_INI, "; другое\n[agent]\n")
    assert config.reload()[1] is False


def test_a_change_of_the_same_size_with_its_old_time_is_seen(root: Path) -> None:
    config = Config(root)
    put(root, naming.AGENT_INI, "[agent]\nNumber=1\n")
    config.load()
    path = root / naming.AGENT_INI
    before = path.stat()
    path.write_text("[agent]\nNumber=2\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert config.reload()[0].agent.number == 2


WRONG = "[agent]\nNumber=8\nPollInterval=x\n"


def test_a_file_with_an_error_changes_nothing_and_all_is_told(root: Path) -> None:
    config = Config(root)
    put(root, naming.AGENT_INI, "[agent]\nNumber=7\n")
    settings = config.load()
    put(root, naming.AGENT_INI, WRONG + "?\n")
    assert config.reload() == (settings, False)
    assert [text.split(": ")[0] for text in told(config)] == [naming.AGENT_INI + end for end in ("", ":3", ":4")]
    assert "действуют последние исправные настройки" in told(config)[0]
    assert (root / naming.AGENT_INI).read_text() == WRONG + "?\n"


def test_the_last_good_settings_stay_after_a_restart(root: Path) -> None:
    put(root, naming.AGENT_INI, "[agent]\nNumber=7\n")
    device(root, "a.ini", SERIAL.format(1))
    Config(root).load()
    put(root, naming.AGENT_INI, WRONG)
    device(root, "a.ini", "[device]\nPort=/etc/passwd\n")
    config = Config(root)
    settings = config.load()
    assert settings.agent.number == 7
    assert [each.dev_number for each in settings.devices] == ["1"]
    assert sum("действуют последние исправные" in text for text in told(config)) == 2


def test_a_mended_file_acts_and_its_problems_are_gone(root: Path) -> None:
    config = Config(root)
    put(root, naming.AGENT_INI, WRONG)
    config.load()
    put(root, naming.AGENT_INI, "[agent]\nNumber=8\n")
    assert config.reload()[0].agent.number == 8
    assert config.problems == ()


def test_without_last_good_settings_the_factorys_run_and_a_device_stays_off(root: Path) -> None:
    put(root, naming.AGENT_INI, WRONG)
    put(root, naming.FTP_INI, "[internal]\nPort=0\n")
    device(root, "a.ini", "[device]\n")
    config = Config(root)
    settings = config.load()
    assert settings == Settings(settings.agent, settings.ftp, ())
    assert (settings.agent.number, settings.ftp.internal.port) == (1, 21)
    text = "\n".join(told(config))
    assert text.count("действуют заводские настройки") == 2
    assert "devices/a.ini: файл не принят, прибор не опрашивается" in text


def test_a_torn_last_good_copy_is_not_used(root: Path) -> None:
    put(root, naming.AGENT_INI, WRONG)
    put(root, f"{GOOD}/{naming.AGENT_INI}", "[agent]\nNumber=")
    assert Config(root).load().agent.number == 1


def test_it_runs_on_the_defaults_when_even_the_factory_copies_are_lost(root: Path, tmp_path: Path) -> None:
    config = Config(root, tmp_path / "nowhere")
    assert config.load().agent.number == 1
    assert any("agent.ini: не восстановлено: файла нет" in text for text in told(config))


def test_a_warning_is_told_while_the_file_acts(root: Path) -> None:
    config = Config(root)
    put(root, naming.AGENT_INI, "[alerts]\nInterval=5\n")
    assert config.load().agent.alert_interval_s == 2800
    assert [(problem.line, problem.warning) for problem in config.problems] == [(2, True)]


def test_a_wrong_line_for_the_mail_keeps_the_mail_as_it_was(root: Path) -> None:
    config = Config(root)
    put(root, naming.SSMTP_CONF, "mailhub=a\n")
    config.load()
    put(root, naming.SSMTP_CONF, "mailhub a\n")
    assert config.reload()[1] is False
    assert config.text(naming.SSMTP_CONF) == "mailhub=a\n"
    assert "ssmtp.conf:1: " in told(config)[1]
    put(root, naming.SSMTP_CONF, "mailhub=b\n")
    assert config.reload()[1] is True
    assert config.text(naming.SSMTP_CONF) == "mailhub=b\n"


# --- devices


def test_a_device_is_added_changed_and_removed_by_its_file(root: Path) -> None:
    config = Config(root)
    config.load()
    device(root, "b.INI", SERIAL.format(2))
    device(root, "a.ini", SERIAL.format(1))
    settings, changed = config.reload()
    assert ([each.file for each in settings.devices], changed) == (["a.ini", "b.INI"], True)
    device(root, "a.ini", SERIAL.format(3))
    assert [each.dev_number for each in config.reload()[0].devices] == ["3", "2"]
    (root / naming.DEVICES / "a.ini").unlink()
    settings, changed = config.reload()
    assert ([each.dev_number for each in settings.devices], changed) == (["2"], True)
    assert not (root / GOOD / naming.DEVICES / "a.ini").exists()
    assert not (root / naming.DEVICES / "a.ini").exists()


def test_a_device_removed_while_the_agent_was_off_is_forgotten(root: Path) -> None:
    device(root, "a.ini", SERIAL.format(1))
    Config(root).load()
    (root / naming.DEVICES / "a.ini").unlink()
    assert Config(root).load().devices == ()
    device(root, "a.ini", "[device]\nPort=\n")
    assert Config(root).load().devices == ()


def test_only_whole_ini_files_are_devices(root: Path) -> None:
    for name in ("a.txt", "a.ini.refused", ".a.ini", ".x.tmp", "a.ini~"):
        device(root, name, "rubbish")
    (root / naming.DEVICES / "sub").mkdir()
    device(root, "sub/a.ini", SERIAL.format(1))
    config = Config(root)
    assert config.load().devices == ()
    assert config.problems == ()


def test_of_two_files_with_one_number_the_second_waits_for_the_first(root: Path) -> None:
    config = Config(root)
    device(root, "a.ini", SERIAL.format(1))
    device(root, "b.ini", SERIAL.format(1))
    assert [each.enabled for each in config.load().devices] == [True, False]
    assert told(config) == ["log/User/devices/b.ini: DevNumber тот же, что в a.ini: этот прибор не опрашивается"]
    (root / naming.DEVICES / "a.ini").unlink()
    settings, changed = config.reload()
    assert ([each.enabled for each in settings.devices], changed) == ([True], True)
    assert config.problems == ()


def test_templates_are_found_among_the_users_and_the_shipped_ones(root: Path, tmp_path: Path) -> None:
    factory = tmp_path / "etc" / "factory"
    shutil.copytree(FACTORY, factory)
    put(factory.parent, "templates/Shipped.ini", "[values]\nS1T1=1 float\n")
    put(root, f"{naming.TEMPLATES}/own.ini", "[values]\nS1T1=2 float\n")
    for name in ("own", "shipped", "none"):
        device(root, f"{name}.ini", f"[device]\nPort=ttyS0\nDevType=Modbus\nNetAddr=1\nTemplate={name}\n")
    config = Config(root, factory)
    none, own, shipped = config.load().devices
    assert none.template_map is None
    assert own.template_map and own.template_map.points[0].cells[0].address == 2
    assert shipped.template_map and shipped.template_map.name == "Shipped"
    assert told(config) == ["log/User/devices/none.ini: нет шаблона none в log/User/templates/"]
    (root / naming.TEMPLATES / "own.ini").unlink()
    config.reload()
    assert len(told(config)) == 2
    assert not (root / naming.TEMPLATES / "own.ini").exists()


MODBUS = "[device]\nPort=ttyS0\nDevType=Modbus\nNetAddr=1\nTemplate=own\n"


def test_a_changed_template_is_a_change_of_the_devices_that_use_it(root: Path) -> None:
    template = f"{naming.TEMPLATES}/own.ini"
    put(root, template, "[values]\nS1T1=2 float\n")
    device(root, "modbus.ini", MODBUS)
    device(root, "other.ini", SERIAL.format(1))
    config = Config(root)
    modbus, other = config.load().devices
    put(root, template, "; only a comment\n[values]\nS1T1=2  float\n")
    assert config.reload()[1] is False
    put(root, template, "[values]\nS1T1=3 float\n")
    settings, changed = config.reload()
    assert changed
    assert settings.devices[0] != modbus
    assert settings.devices[1] == other


def test_a_template_with_errors_leaves_the_last_good_one_in_force(root: Path) -> None:
    template = f"{naming.TEMPLATES}/own.ini"
    put(root, template, "[values]\nS1T1=2 float\n")
    device(root, "modbus.ini", MODBUS)
    before = Config(root).load()
    put(root, template, "[values]\nS1T1=2 flaot\n")
    after = Config(root)
    assert after.load() == before
    assert told(after)[0].startswith(f"{template}: файл не принят, действуют последние исправные")
    assert any(line.startswith(f"{template}:2: S1T1: flaot") for line in told(after))


def test_a_check_tells_what_is_wrong_in_a_template_also_in_a_shipped_one(root: Path, tmp_path: Path) -> None:
    factory = tmp_path / "etc" / "factory"
    shutil.copytree(FACTORY, factory)
    Config(root, factory).load()
    put(factory.parent, "templates/shipped.ini", "[values]\nS1T1=1 flaot\n")
    put(root, f"{naming.TEMPLATES}/own.ini", "[values]\nS1T1=\n")
    places = [(problem.path, problem.line) for problem in check(root, factory)]
    assert places == [("etc/templates/shipped.ini", 2), ("log/User/templates/own.ini", 2)]


def test_a_folder_that_cannot_be_read_takes_no_device_away(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> Iterator[Path]:
        raise OSError(errno.EIO, "disk")

    device(root, "a.ini", SERIAL.format(1))
    config = Config(root)
    config.load()
    with monkeypatch.context() as patched:
        patched.setattr(config_module, "_list", broken)
        settings, changed = config.reload()
    assert ([each.dev_number for each in settings.devices], changed) == (["1"], False)
    assert "log/User/devices: папка не читается: ошибка диска" in told(config)


def test_a_file_name_that_cannot_be_shown_is_told_and_not_read(root: Path) -> None:
    folder = root / naming.DEVICES
    folder.mkdir(parents=True)
    for name in (b"\xff\xfe.ini", b"a\nb.ini"):
        (folder / os.fsdecode(name)).write_text(SERIAL.format(1))
    config = Config(root)
    assert config.load().devices == ()
    assert len(config.problems) == 2
    assert all(text.isprintable() and text.encode("utf-8") for text in told(config))


def test_there_is_a_most_of_device_files(root: Path) -> None:
    for number in range(1026):
        device(root, f"{number:04}.ini", SERIAL.format(f"a{number}"))
    config = Config(root)
    assert len(config.load().devices) == 1024
    assert told(config) == ["log/User/devices: файлов больше 1024: остальные по имени не читаются"]


# --- what is not ours is not read


def test_a_link_out_of_the_tree_is_not_read(root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.ini"
    outside.write_text(SERIAL.format(1))
    config = Config(root)
    config.load()
    (root / naming.DEVICES / "a.ini").symlink_to(outside)
    (root / naming.AGENT_INI).unlink()
    (root / naming.AGENT_INI).symlink_to(tmp_path / "nothing")
    assert config.reload()[0].devices == ()
    assert "log/User/devices/a.ini: ссылка ведёт за пределы log/ и не читается" in told(config)
    assert not (root / GOOD / naming.DEVICES / "a.ini").exists()
    assert not (tmp_path / "nothing").exists()


def test_a_folder_that_is_a_link_out_of_the_tree_is_not_read(root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    put(outside, "a.ini", SERIAL.format(1))
    (root / naming.USER).mkdir(parents=True)
    (root / naming.DEVICES).symlink_to(outside)
    assert Config(root).load().devices == ()


def test_a_link_within_the_tree_and_a_log_that_is_itself_a_link_are_followed(root: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (root / naming.LOG).symlink_to(tmp_path / "data")
    device(root, "a.txt", SERIAL.format(1))
    (root / naming.DEVICES / "a.ini").symlink_to("a.txt")
    assert [each.dev_number for each in Config(root).load().devices] == ["1"]


def test_a_pipe_does_not_stall(root: Path) -> None:
    (root / naming.DEVICES).mkdir(parents=True)
    os.mkfifo(root / naming.DEVICES / "a.ini")
    config = Config(root)
    assert config.load().devices == ()
    assert "log/User/devices/a.ini: это не обычный файл" in told(config)


def test_an_overlong_file_is_told(root: Path) -> None:
    config = Config(root)
    config.load()
    put(root, naming.AGENT_INI, "#" * (256 * 1024 + 1))
    assert config.reload()[1] is False
    assert any("agent.ini: файл слишком велик" in text for text in told(config))


# --- check and factory


def test_check_tells_everything_and_writes_nothing(root: Path) -> None:
    put(root, naming.AGENT_INI, WRONG + "[alerts]\nInterval=1\n")
    device(root, "a.ini", SERIAL.format(1))
    device(root, "b.ini", SERIAL.format(1))
    before = tree(root)
    found = [str(problem) for problem in check(root)]
    assert [text.split(": ")[0] for text in found] == [
        "log/User/agent.ini:3", "log/User/agent.ini:5", "log/User/devices/b.ini"]  # fmt: skip
    assert tree(root) == before
    assert not (root / naming.VAR).exists()


def test_check_finds_nothing_wrong_with_an_empty_root_and_with_the_factory_tree(root: Path) -> None:
    assert check(root) == ()
    Config(root).load()
    assert check(root) == ()


def test_factory_settings_are_put_back_on_purpose(root: Path) -> None:
    config = Config(root)
    put(root, naming.FTP_INI, "[internal]\nPort=2121\n")
    assert config.load().ftp.internal.port == 2121
    assert config.to_factory("FTP.ini") == naming.FTP_INI
    settings, changed = config.reload()
    assert (settings.ftp.internal.port, changed) == (21, True)


def test_what_has_no_factory_copy_is_named(root: Path) -> None:
    with pytest.raises(SettingsWrong, match=r"agent\.ini"):
        Config(root).to_factory("../../etc/passwd")
