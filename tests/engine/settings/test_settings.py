from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import naming
from engine.delivery.cursor import Target, cursor_path
from engine.errors import Problem, SettingsWrong
from engine.settings import (
    LIMIT_BYTES,
    AgentSettings,
    DeviceSettings,
    Limits,
    Server,
    check_file,
    keys,
    parse_agent,
    parse_device,
    parse_ftp,
    read_file,
    smallfiles,
)
from engine.settings.smallfiles import Alias, LcdLine
from engine.settings.together import cross_check, refusal
from engine.template.modbus_map import Template

ROOT = Path(__file__).resolve().parents[3]
FACTORY = ROOT / naming.FACTORY
DEVICE = f"{naming.DEVICES}/kotel.ini"


def told(path: str, text: str) -> list[str]:
    return [str(problem) for problem in check_file(path, text.encode())]


def errors_of(path: str, text: str) -> list[str]:
    return [str(problem) for problem in check_file(path, text.encode()) if not problem.warning]


def device(text: str = "[device]\nPort=ttyS1\n", name: str = "kotel.ini") -> DeviceSettings:
    return parse_device(f"{naming.DEVICES}/{name}", text)[0]


# --- what comes out of a file


def test_a_file_without_keys_gives_the_defaults() -> None:
    agent, warnings = parse_agent("a", "; nothing\n")
    assert (agent.number, agent.timezone, agent.archive_limit_bytes) == (1, "Europe/Moscow", 3 << 30)
    assert (agent.poll_interval_s, agent.alert_interval_s, agent.event_date) == (60, 3600, "ymd")
    assert warnings == ()
    ftp, _ = parse_ftp("f", "")
    assert (ftp.internal.enabled, ftp.internal.port, ftp.internal.user) == (True, 21, "TsmSmartFtp")
    assert [(server.section, server.enabled, server.interval_s) for server in ftp.servers] == [
        ("server1", False, 1200), ("server2", False, 1200), ("server3", False, 1200),
    ]  # fmt: skip


def test_a_device_file_becomes_settings_in_the_units_of_the_program() -> None:
    text = """[DEVICE]
devtype = TEM-104
DevNumber=440020
Port=ttyUSB1000
ByteTimeout=250
ReportDay=30
Address=Москва, пр. Московский, д. 13
[limits]
S2T1Min=40.5
S1T2Min=
S1T1Min=50
SW1=к
SW1Source=/run/sw1
[report]
Fields=DateTime,dQ1
"""
    found = device(text)
    assert (found.file, found.dev_type, found.dev_number) == ("kotel.ini", "ТЕМ-104", "440020")
    assert (found.port, found.byte_timeout_s, found.packet_timeout_s) == ("/dev/ttyUSB1000", 0.25, 0.35)
    assert (found.report_day, found.report_records, found.address) == (30, None, "Москва, пр. Московский, д. 13")
    assert found.limits == Limits(((1, 1, 50.0), (2, 1, 40.5)), "K", "", "/run/sw1", "")
    assert found.report_fields == ("DateTime", "dQ1")


def test_servers_keep_their_sections_apart() -> None:
    ftp, _ = parse_ftp("f", "[server2]\nEnabled=1\nHost=H.example\nUser=u\nPassword=p\nVariants=dos\nTimeout=2.5\n")
    assert [server.enabled for server in ftp.servers] == [False, True, False]
    second = ftp.servers[1]
    assert (second.host, second.variants, second.timeout_s) == ("H.example", ("dos",), 2.5)
    assert second.identity == ("h.example", 21, "u", "")


@pytest.mark.parametrize("encode", ["utf-8", "utf-8-sig", "cp1251"])
def test_a_file_from_windows_is_read(encode: str) -> None:
    read, _ = read_file(naming.AGENT_INI, "; Имя\r\n[agent]\r\nName=Котельная\r\n".encode(encode))
    assert isinstance(read, AgentSettings)
    assert read.name == "Котельная"


# --- errors and warnings


def test_a_short_alert_interval_is_a_warning_and_the_least_is_used() -> None:
    agent, warnings = parse_agent("a.ini", "[alerts]\nMail=1\nInterval=60\n")
    assert agent.alert_interval_s == 2800
    assert warnings == (Problem("a.ini", 3, "Interval меньше 2800: действует 2800", warning=True),)


def test_all_problems_of_a_file_are_told_each_with_its_line() -> None:
    text = "[agent]\nPollInterval=0\nsenseless\nNumber=1\nnumber=2\nColour=red\n[nowhere]\nx=1\n[txt]\nEventDate=mdy\n"
    found = told(naming.AGENT_INI, text)
    assert [line.split(": ")[0] for line in found] == [f"log/User/agent.ini:{n}" for n in (2, 3, 5, 6, 7, 10)]


def test_a_file_with_an_error_tells_its_warnings_too() -> None:
    with pytest.raises(SettingsWrong) as caught:
        parse_agent("a", "[alerts]\nInterval=5\nMail=2\n")
    assert [problem.warning for problem in caught.value.problems] == [True, False]


@pytest.mark.parametrize(
    ("path", "text", "line", "words"),
    [
        (naming.AGENT_INI, "[agent]\nPollIntervall=5\n", 2, "возможно PollInterval"),
        (naming.AGENT_INI, "[time]\nPollInterval=5\n", 2, "он бывает в [agent]"),
        (naming.AGENT_INI, "[agent]\nNаme=x\n", 2, "ключ Name набран кириллицей"),
        (naming.AGENT_INI, "[agnet]\n", 1, "неизвестная секция [agnet]"),
        (naming.AGENT_INI, "[agent]\nPollInterval=0\n", 2, "стоит 0, нужно целое число от 1 до 86400"),
        (naming.FTP_INI, "[server4]\nEnabled=1\n", 1, "неизвестная секция [server4]"),
        (naming.FTP_INI, "[server1]\nUser=u\nEnabled=1\n", 3, "Host не указан"),
        (naming.FTP_INI, "[server1]\nHost=h\nEnabled=1\n", 3, "User не указан"),
        (naming.FTP_INI, "[internal]\nUser=\n", 2, "без имени"),
        (naming.FTP_INI, "[internal]\nReadUser=r\n", 2, "нет пароля (ReadPassword)"),
        (naming.FTP_INI, "[internal]\nInboxUser=r\n", 2, "нет пароля (InboxPassword)"),
        (DEVICE, "[device]\nDevType=auto\n", 0, "нужен Port"),
        (DEVICE, "[device]\nConnection=Serial\n", 2, "нужен Port"),
        (DEVICE, "[device]\nPort=ttyS0\nConnection=TCP\n", 3, "нужен NetIP"),
        (DEVICE, "[device]\nPort=ttyS0\nDevType=Modbus\nNetAddr=1\n", 3, "нужен Template"),
    ],
)
def test_a_problem_says_where_and_what(path: str, text: str, line: int, words: str) -> None:
    found = errors_of(path, text)
    assert len(found) == 1
    assert found[0].startswith(f"{path}:{line}: " if line else f"{path}: ")
    assert words in found[0]


def test_two_users_of_one_name_are_both_told() -> None:
    found = errors_of(naming.FTP_INI, "[internal]\nUser=a\nReadUser=a\nReadPassword=x\n")
    assert [line.split(": ")[0] for line in found] == ["log/User/ftp.ini:2", "log/User/ftp.ini:3"]


SERVER = "[server{}]\nEnabled={}\nHost={}\nUser=u\nPassword=p\n"


def test_one_server_in_two_sections_is_an_error_as_both_would_share_one_count() -> None:
    text = SERVER.format(1, 1, "h") + SERVER.format(3, 1, "H")
    assert len(errors_of(naming.FTP_INI, text)) == 1
    assert errors_of(naming.FTP_INI, SERVER.format(1, 1, "h") + SERVER.format(3, 0, "h")) == []
    assert errors_of(naming.FTP_INI, text + "Directory=b\n") == []


def cursor_of(server: Server) -> str:
    return cursor_path(Target(server.host, server.port, server.user, server.directory))


@pytest.mark.parametrize("other", ["drops", "drops/", "drops//", "/drops", "/", "", "a//drops", "Drops"])
def test_servers_are_one_exactly_when_they_share_a_cursor(other: str) -> None:
    first = SERVER.format(1, 1, "h") + "Directory=drops\n"
    both = [parse_ftp(naming.FTP_INI, first.replace("drops", name))[0].servers[0] for name in ("drops", other)]
    is_one = cursor_of(both[0]) == cursor_of(both[1])
    assert (both[0].identity == both[1].identity) is is_one is (other.rstrip("/") == "drops")
    errors = errors_of(naming.FTP_INI, first + SERVER.format(2, 1, "H") + f"Directory={other}\n")
    assert len(errors) == is_one


def test_a_broken_value_is_not_also_told_as_missing() -> None:
    assert len(errors_of(DEVICE, "[device]\nPort=/etc/passwd\n")) == 1
    assert len(errors_of(DEVICE, "[device]\nConnection=tpc\nNetIP=10.0.0.1\n")) == 1
    assert len(errors_of(naming.FTP_INI, "[server1]\nEnabled=1\nUser=u\nHost=ftp://x\n")) == 1


SECRET = "hunter2!ж" * 9


@pytest.mark.parametrize(
    "text",
    [
        f"[internal]\nPassword={SECRET}\n",
        f"[internal]\nPassword=1\nPassword={SECRET}\n",
        f"[internal]\nPasword={SECRET}\n",
        f"[internal]\nPassword {SECRET}\n",
        f"[internal]\nPassword:{SECRET}=\n",
        f"[server1]\nHost={SECRET}\nPort={SECRET}\nTls={SECRET}\nEnabled=1\nUser=\nVariants={SECRET}\n",
        f"Password={SECRET}\n",
        f"[{SECRET}]\nPassword={SECRET}\n",
        f"[internal]\nBind={SECRET}\n",
    ],
)
def test_no_secret_stands_in_a_problem(text: str) -> None:
    found = told(naming.FTP_INI, text)
    assert found
    assert not any("hunter2" in problem for problem in found)


def test_no_secret_of_the_mail_file_stands_in_a_problem() -> None:
    found = told(naming.SSMTP_CONF, "AuthPass hunter2\nAuth Pass=hunter2\n") + told(naming.REVALIASES, "hunter2\n")
    assert len(found) == 3
    assert not any("hunter2" in problem for problem in found)


def test_a_file_that_is_no_settings_file_at_all_is_told_within_bounds() -> None:
    found = told(naming.AGENT_INI, "[agent]\n" + "".join(f"k{n}=1\n" for n in range(20000)))
    assert len(found) == 201
    assert "и ещё 19800" in found[-1]


@pytest.mark.parametrize("path", [naming.AGENT_INI, naming.LCD_INFO, DEVICE, naming.SSMTP_CONF])
def test_an_empty_and_an_overlong_file_are_errors(path: str) -> None:
    assert told(path, "") == [f"{path}: файл пуст"]
    assert told(path, "#" * (LIMIT_BYTES + 1)) == [f"{path}: файл больше 256 кБ"]


@pytest.mark.parametrize("path", ["log/User/txt/1.txt", f"{DEVICE}.txt", "log/User/x.ini", "www/agent.ini"])
def test_a_file_that_is_no_configuration_has_no_problems(path: str) -> None:
    assert told(path, "rubbish") == []
    assert refusal(path, b"rubbish") is None


PATHS = [naming.AGENT_INI, naming.FTP_INI, naming.SSMTP_CONF, naming.REVALIASES, naming.LCD_INFO, DEVICE,
         f"{naming.TEMPLATES}/t.ini"]  # fmt: skip
NAMES = st.sampled_from(sorted({key.name for table in keys.KEYS.values() for key in table}))
SECTIONS = st.sampled_from(sorted({key.section for table in keys.KEYS.values() for key in table}))
ROW = st.one_of(
    SECTIONS.map("[{}]".format), st.builds("{}={}".format, NAMES, st.text(max_size=12)), st.text(max_size=20)
)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(PATHS), st.one_of(st.binary(max_size=300), st.lists(ROW, max_size=12).map("\n".join)))
def test_any_content_is_read_or_refused_with_problems(path: str, content: bytes | str) -> None:
    data = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
    try:
        _, warnings = read_file(path, data)
    except SettingsWrong as wrong:
        assert any(not problem.warning for problem in wrong.problems)
        assert all(problem.path == path and "\n" not in str(problem) for problem in wrong.problems)
    else:
        assert all(problem.warning for problem in warnings)


# --- small files


def test_ssmtp_values_are_read_by_key_without_regard_to_case() -> None:
    text = "#ssmtp.conf\nmailhub=smtp.yandex.ru:465\nAuthPass=a=b#c\nUseSTARTTLS = YES\n#0\n"
    assert smallfiles.parse_ssmtp("s", text) == {
        "mailhub": "smtp.yandex.ru:465", "authpass": "a=b#c", "usestarttls": "YES"}  # fmt: skip


def test_revaliases_are_read() -> None:
    text = "#revaliases\nroot:me@x.ru:smtp.yandex.ru:465\nuser:you@x.ru:mail\n"
    assert smallfiles.parse_revaliases("r", text) == (
        Alias("root", "me@x.ru", "smtp.yandex.ru:465"), Alias("user", "you@x.ru", "mail"))  # fmt: skip


@pytest.mark.parametrize("line", ["root", "root:", "root:address:host", "root:a@b:host:port", ":a@b:h", "root:a @b:h"])
def test_a_wrong_alias_is_told(line: str) -> None:
    assert len(told(naming.REVALIASES, f"#\n{line}\n")) == 1


def test_lcd_lines_are_read() -> None:
    assert smallfiles.parse_lcd("l", "S1T1=T1 подача;5;1\n440020.K0G1=Коэфф=K0;G1;3;0\n") == (
        LcdLine("", "S1T1", "T1 подача", 5, True), LcdLine("440020", "K0G1", "Коэфф=K0;G1", 3, False))  # fmt: skip


@pytest.mark.parametrize("line", ["S1T1", "S1T1=x", "S1T1=x;5", "S1T1=x;0;1", "S1T1=x;5;2", "=x;5;1", "S1 T1=x;5;1"])
def test_a_wrong_lcd_line_is_told(line: str) -> None:
    assert told(naming.LCD_INFO, f"{line}\n")[0].startswith("log/lcd.info:1: ")


def test_a_template_is_checked_like_any_configuration_file() -> None:
    path = f"{naming.TEMPLATES}/a.ini"
    assert told(path, "[values]\nS1T1=1 float\nS1T1=2 float\n") == [f"{path}:3: ключ S1T1 уже есть в строке 2"]
    assert told(path, "[values]\nS1T1=1 flaot\n")[0].startswith(f"{path}:2: S1T1: flaot: такого типа нет")
    assert told(path, "[values]\nS1T1=1 float\n") == []


# --- refusing an upload


def test_a_refusal_is_one_line_with_at_most_ten_problems_and_no_folder() -> None:
    text = refusal(naming.AGENT_INI, b"[agent]\nPollInterval=0\nNumber=x\n")
    assert text is not None
    assert text.startswith("agent.ini:2: PollInterval: ")
    assert "; agent.ini:3: Number: " in text
    many = refusal(naming.AGENT_INI, b"[agent]\n" + b"?\n" * 12)
    assert many is not None
    assert many.count("agent.ini:") == 10
    assert many.endswith("; и ещё 2")
    assert "\n" not in many


def test_good_files_and_mere_warnings_are_not_refused() -> None:
    assert refusal(naming.AGENT_INI, b"[agent]\nPollInterval=5\n") is None
    assert refusal(naming.AGENT_INI, b"[alerts]\nInterval=5\n") is None


def test_case_of_an_uploads_name_does_not_matter() -> None:
    assert refusal("log/User/AGENT.INI", b"[agent]\nPollInterval=0\n") is not None
    assert refusal("log/User/Devices/A.INI", b"[device]\n") is not None


# --- what depends on other files


def test_of_two_devices_with_one_number_the_first_by_file_name_runs() -> None:
    one, two = device("[device]\nPort=ttyS0\nDevNumber=a7\n", "b.ini"), device(
        "[device]\nPort=ttyS1\nDevNumber=A7\n", "a.ini")  # fmt: skip
    checked, warnings = cross_check([one, two], {}.get)
    assert [(each.file, each.enabled) for each in checked] == [("a.ini", True), ("b.ini", False)]
    assert [(problem.path, problem.warning) for problem in warnings] == [("log/User/devices/b.ini", True)]


def test_devices_that_are_off_or_without_a_number_clash_with_nobody() -> None:
    text = "[device]\nPort=ttyS0\nDevNumber=7\n"
    off = device(text + "Enabled=0\n", "a.ini")
    unnamed = [device(name="c.ini"), device(name="d.ini")]
    checked, warnings = cross_check([off, device(text, "b.ini"), *unnamed], {}.get)
    assert [each.enabled for each in checked] == [False, True, True, True]
    assert warnings == ()


def test_a_template_that_is_not_there_is_a_warning() -> None:
    modbus = device("[device]\nPort=ttyS0\nDevType=Modbus\nNetAddr=1\nTemplate=pump\n")
    pump = Template("pump")
    assert cross_check([modbus], {"pump": pump}.get) == ((replace(modbus, template_map=pump),), ())
    (missed,), warnings = cross_check([modbus], {"other": pump}.get)
    assert missed.template_map is None
    assert [problem.warning for problem in warnings] == [True]


@pytest.mark.parametrize(
    ("settings", "sound"),
    [
        ("Port=ttyS0\nNetAddr=1", True), ("Port=ttyS0\nNetAddr=247", True), ("Port=ttyS0", False),
        ("Port=ttyS0\nNetAddr=248", False), ("Connection=TCP\nNetIP=10.0.0.1", True),
        ("Connection=TCP\nNetIP=10.0.0.1\nProtocol=rtu", False),
        ("Connection=TCP\nNetIP=10.0.0.1\nProtocol=rtu\nNetAddr=5", True), ("Port=ttyS0\nProtocol=tcp", True),
    ],
)  # fmt: skip
def test_modbus_rtu_needs_an_address(settings: str, sound: bool) -> None:
    problems = errors_of(DEVICE, f"[device]\nDevType=Modbus\nTemplate=pump\n{settings}\n")
    assert [problem.partition(": ")[2] for problem in problems] == ([] if sound else [
        "для Modbus RTU нужен NetAddr от 1 до 247"])  # fmt: skip


# --- the factory's files


def read_keys(path: Path) -> dict[tuple[str, str], str]:
    section, found = "", {}
    for row in path.read_text("utf-8").split("\n"):
        if row.startswith("["):
            section = row.strip("[]")
        elif "=" in row and row[0] not in ";#":
            name, _, value = row.partition("=")
            found[section, name] = value
    return found


@pytest.mark.parametrize("path", naming.RESTORED)
def test_the_factory_has_a_good_copy_of_everything_that_is_restored(path: str) -> None:
    content = (FACTORY / path).read_bytes()
    assert content.endswith(b"\n")
    assert b"\r" not in content
    assert check_file(path, content) == ()


@pytest.mark.parametrize(("kind", "path"), [(keys.AGENT, naming.AGENT_INI), (keys.FTP, naming.FTP_INI)])
def test_the_factory_files_state_every_key_with_its_default(kind: str, path: str) -> None:
    table = {(key.section, key.name): key.default for key in keys.KEYS[kind]}
    assert read_keys(FACTORY / path) == table


def test_the_example_of_a_device_is_good_and_states_every_key_with_its_default() -> None:
    path = FACTORY / naming.DEVICES / "primer.ini.txt"
    assert check_file(DEVICE, path.read_bytes()) == ()
    assert not naming.is_config(f"{naming.DEVICES}/{path.name}")
    table = {(key.section, key.name): key.default for key in keys.KEYS[keys.DEVICE] if key.pattern is None}
    del table["device", "BlockSize"]
    assert read_keys(path) == {**table, ("device", "Port"): "ttyS0"}
    assert "\n;BlockSize=64\n" in path.read_text("utf-8"), "written, it would hold back a meter that can do more"


def test_the_factory_list_of_the_lcd_names_six_systems() -> None:
    lines = smallfiles.parse_lcd("l", (FACTORY / naming.LCD_INFO_OLD).read_text("utf-8"))
    assert len({line.name for line in lines}) == len(lines)
    assert {line.name[:2] for line in lines} >= {f"S{n}" for n in range(1, 7)}


def test_no_factory_server_is_switched_on() -> None:
    ftp, _ = parse_ftp("f", (FACTORY / naming.FTP_INI).read_text("utf-8"))
    assert [(server.enabled, server.host) for server in ftp.servers] == [(False, "")] * 3
