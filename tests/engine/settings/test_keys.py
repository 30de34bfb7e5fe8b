from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.settings import AgentSettings, DeviceSettings, InternalFtp, Limits, Server, keys
from engine.settings.lora import LoraSettings
from engine.settings.regulator import RegulatorSettings, Source

ALL = [pytest.param(kind, key, id=f"{key.section}.{key.name}") for kind, table in keys.KEYS.items() for key in table]
KEYS = [pytest.param(each.values[1], id=each.id) for each in ALL]

PORTS = {
    "": "", "0": "", "ttyS1": "/dev/ttyS1", "ttyUSB1000": "/dev/ttyUSB1000", "/dev/ttyS0": "/dev/ttyS0",
    "/dev/pts/7": "/dev/pts/7", "/dev/serial/by-id/usb-FTDI_A-if00-port0": "/dev/serial/by-id/usb-FTDI_A-if00-port0",
}  # fmt: skip
BAD_PORTS = [
    "S1", "COM1", "/etc/passwd", "/dev/sda", "/dev/tty/../sda", "/dev/serial/../sda", "/dev/serial/by-id/..",
    "/dev/serial", "/dev/serial//x", "../dev/ttyS0", "/dev/pts/ptmx", "/dev/ttyS 0", "1", "tty", "/dev/tty",
]  # fmt: skip
FLAG: tuple[dict[str, object], list[str]] = ({"0": False, "1": True}, ["", "2", "yes", "01", "-1", "да"])
BAUD: tuple[dict[str, object], list[str]] = ({"300": 300, "9600": 9600, "115200": 115200}, ["", "0", "9601", "9600 "])
TLS: tuple[dict[str, object], list[str]] = ({"0": 0, "1": 1, "2": 2}, ["", "3", "-1", "yes"])
NET_PORT: tuple[dict[str, object], list[str]] = ({"1": 1, "65535": 65535}, ["", "0", "65536", "21/tcp", "2l"])
LOGIN: tuple[dict[str, object], list[str]] = ({"": "", "Имя x=;#": "Имя x=;#"}, ["x" * 65, "a\tb", "a\u2028b"])
HOST = (
    {"": "", "ftp.example.org": "ftp.example.org", "10.0.0.1": "10.0.0.1", "::1": "::1", "сервер.рф": "сервер.рф"},
    ["ftp://a", "a:21", "a b", "a/b", "999.1.1.1", "u@h", "-a", "a..b", "x" * 300],
)
BIND: tuple[dict[str, object], list[str]] = (
    {"0.0.0.0": "0.0.0.0", "::": "::", "127.0.0.1": "127.0.0.1"}, ["", "localhost", "1.2.3", "*"])
SENSOR = (
    {"": "", "/run/sw1": "/run/sw1", "/sys/class/gpio/gpio17/value": "/sys/class/gpio/gpio17/value",
     "/sys/bus/iio/devices/iio:device0/in": "/sys/bus/iio/devices/iio:device0/in"},
    ["/etc/shadow", "/run", "/run/../etc/shadow", "/running/x", "run/x", "/run/./x", "/run//x"],
)
CONTACT: tuple[dict[str, object], list[str]] = (
    {"": "", "O": "O", "o": "O", "О": "O", "K": "K", "К": "K", "к": "K"}, ["0", "1", "OK", "З"])
SERVER = {
    "Enabled": FLAG, "Host": HOST, "Port": NET_PORT, "User": LOGIN, "Password": LOGIN,
    "Directory": ({"": "", "/in/Котельная 1": "/in/Котельная 1"}, ["x" * 201]),
    "Interval": ({"1": 1, "604800": 604800}, ["", "0", "604801", "1.5"]),
    "Variants": ({"linux,dos": ("linux", "dos"), "DOS": ("dos",), "dos, linux": ("dos", "linux")},
                 ["", "linux,linux", "mac", "linux,", "linux;dos"]),
    "Passive": FLAG, "Tls": TLS, "Encoding": ({"utf-8": "utf-8", "CP1251": "cp1251"}, ["", "utf8x"]),
    "Timeout": ({"30": 30.0, "0.5": 0.5, "2.25": 2.25}, ["", "0", "0.4", "1,5", "nan", "inf", "1e2", "601"]),
}  # fmt: skip

GOOD_AND_BAD: dict[tuple[str, str], tuple[dict[str, object], list[str]]] = {
    ("agent", "Number"): ({"1": 1, "00000002": 2, "2018072400400001": 2018072400400001},
                          ["", "0", "-1", "1.0", "x", "1" * 17, "٣"]),
    ("agent", "Name"): ({"": "", "ТСМ-И №7": "ТСМ-И №7"}, ["x" * 101, "a\tb"]),
    ("agent", "Timezone"): ({"Europe/Moscow": "Europe/Moscow", "UTC": "UTC"},
                            ["", "Moscow", "../x", "/etc/localtime", "Europe", "tzdata.zi", "Europe/Moscow/", "МСК"]),
    ("agent", "AutoPoll"): FLAG,
    ("agent", "PollInterval"): ({"1": 1, "86400": 86400}, ["", "0", "86401", "60s", "1.5", "-5", "+5"]),
    ("agent", "ArchiveLimit"): ({"3G": 3 << 30, "500M": 500 << 20, "1.5g": 3 << 29, "10K": 10240, "20000": 20000,
                                 "1T": 1 << 40}, ["", "3", "9K", "3GB", "G", "-1G", "1,5G", "9" * 17, "9999999T"]),
    ("time", "Set"): ({"": "", "1122093026": "1122093026", "0229000024": "0229000024"},
                      ["1322093026", "0229000025", "112209302", "11220930266", "11.22.09.30", "1122096026"]),
    ("time", "SyncPort"): (dict(PORTS), BAD_PORTS),
    ("time", "SyncBaud"): BAUD,
    ("txt", "DosEncoding"): ({"cp1251": "cp1251", "CP866": "cp866", "utf-8": "utf-8"}, ["", "koi8-r", "cp1252"]),
    ("txt", "EventDate"): ({"ymd": "ymd", "DMY": "dmy"}, ["", "mdy"]),
    ("alerts", "Mail"): FLAG,
    ("alerts", "Sms"): FLAG,
    ("alerts", "Interval"): ({"2800": 2800, "0": 0, "3600": 3600}, ["", "-1", "2592001", "1h"]),
    ("alerts", "Silence"): ({"0": 0, "86400": 86400}, ["", "-1", "2592001", "1d"]),
    ("alerts", "Forecast"): FLAG,
    ("alerts", "MailTo"): ({"": (), "a@b.ru": ("a@b.ru",), "a@b.ru, c@d.ru": ("a@b.ru", "c@d.ru")},
                           ["a", "a@", "@b", "a@b,", "a@b c@d", "a@b,a@b", "<a@b>"]),
    ("alerts", "MobNum"): ({"": (), "+79161234567": ("+79161234567",), "8 (916) 123-45-67": ("89161234567",)},
                           ["123", "+", "phone", "+7916x", "+79161234567;+79161234568"]),
    ("report", "Day"): ({"1": 1, "31": 31}, ["", "0", "32"]),
    ("report", "Days"): ({"1": 1, "366": 366}, ["", "0", "367"]),
    ("modem", "Port"): (dict(PORTS), BAD_PORTS),
    ("modem", "Baud"): BAUD,
    ("modem", "Spool"): ({"/var/spool/sms": "/var/spool/sms", "var/sms": "var/sms"}, ["", "/etc", "var", "var/sms/.."]),
    ("usb", "Export"): FLAG,
    ("tcp", "Ports"): FLAG,
    ("tcp", "Bind"): BIND,
    ("tcp", "Allow"): ({"": (), "10.0.0.1": ("10.0.0.1/32",), "192.168.1.5/24, ::1": ("192.168.1.0/24", "::1/128")},
                       ["host", "10.0.0.1/33", "10.0.0.1,"]),
    ("tcp", "Map"): (
        {"": (), "ttyS0:2000": (("/dev/ttyS0", 2000),),
         "/dev/serial/by-path/usb-0:1.0:3000, ttyS1:1": (("/dev/serial/by-path/usb-0:1.0", 3000), ("/dev/ttyS1", 1))},
        ["ttyS0", "ttyS0:0", "ttyS0:65536", ":2000", "0:2000", "lp0:2000", "ttyS0:2000,", "ttyS0:1,ttyS0:2",
         "ttyS0:1,ttyS1:1", "ttyS0:1,/dev/ttyS0:2"],
    ),
    ("web", "Port"): ({"0": 0, "8080": 8080}, ["", "65536", "-1"]),
    ("lcd", "Server"): ({"": "", "127.0.0.1:13666": "127.0.0.1:13666", "[::1]:80": "[::1]:80", "lcd:1": "lcd:1"},
                        ["lcd", ":1", "lcd:", "lcd:0", "lcd:65536", "::1:80", "a b:1"]),
    ("metrics", "File"): (
        {"": "", "www/metrics.prom": "www/metrics.prom",
         "/var/lib/node_exporter/tsm-1.prom": "/var/lib/node_exporter/tsm-1.prom",
         "/var/lib/prometheus/node-exporter/tsm.prom": "/var/lib/prometheus/node-exporter/tsm.prom"},
        ["metrics.prom", "www/metrics.txt", "www/../var/x.prom", "www/a/b.prom", "www/.prom", "/etc/tsm.prom",
         "/var/lib/node_exporter/apt.prom", "/var/lib/node_exporter/../tsm.prom", "log/User/tsm.prom"],
    ),
    ("lcd", "Encoding"): ({"translit": "translit", "CP1251": "cp1251", "koi8-r": "koi8-r"}, ["", "utf-8", "latin"]),
    ("internal", "Enabled"): FLAG,
    ("internal", "Bind"): BIND,
    ("internal", "Port"): NET_PORT,
    ("internal", "PassivePorts"): ({"": None, "30000-30009": (30000, 30009), "5 - 5": (5, 5)},
                                   ["30000", "5-4", "0-5", "1-65536", "a-b", "30000-30009,4"]),
    **{("internal", name): LOGIN for name in
       ("User", "Password", "ReadUser", "ReadPassword", "InboxUser", "InboxPassword")},
    ("internal", "Tls"): TLS,
    ("internal", "InboxLimit"): ({"1G": 1 << 30, "1": 1}, ["", "0", "x"]),
    **{(section, name): values for section in keys.SERVERS for name, values in SERVER.items()},
    ("device", "DevType"): ({"auto": "auto", "TEM-104": "ТЕМ-104", "rt-05": "RT-05"}, ["", "ТЕМ", "ТЕМ-104,ТСМ"]),
    ("device", "DevNumber"): ({"": "", "0": "", "440020": "440020", "A1b": "A1b", "9" * 20: "9" * 20},
                              ["9" * 21, "44-0", "А1", "../1", "1 2", "1."]),
    ("device", "Connection"): ({"Serial": "Serial", "tcp": "TCP", "SERIAL": "Serial"}, ["", "RS-232", "IP"]),
    ("device", "Port"): (dict(PORTS), BAD_PORTS),
    ("device", "Baud"): BAUD,
    ("device", "NetAddr"): ({"0": 0, "255": 255}, ["", "256", "-1"]),
    ("device", "NetIP"): HOST,
    ("device", "NetPort"): NET_PORT,
    ("device", "ByteTimeout"): ({"200": 0.2, "1": 0.001}, ["", "0", "0.2", "60001"]),
    ("device", "PacketTimeout"): ({"350": 0.35, "60000": 60.0}, ["", "0", "60001"]),
    ("device", "Retries"): ({"0": 0, "100": 100}, ["", "101", "-1"]),
    ("device", "Reconnects"): ({"1": 1, "1000": 1000}, ["", "0", "1001"]),
    ("device", "HourRecords"): ({"1": 1, "100000": 100000}, ["", "0", "100001"]),
    ("device", "DayRecords"): ({"1": 1}, ["", "0"]),
    ("device", "ReportDay"): ({"": None, "30": 30}, ["0", "32"]),
    ("device", "ReportRecords"): ({"": None, "7": 7}, ["0", "x"]),
    ("device", "Responsible"): ({"": "", "Иванов Иван Иванович": "Иванов Иван Иванович"}, ["x" * 201]),
    ("device", "Address"): ({"": "", "Москва, пр.\xa0Мира": "Москва, пр.\xa0Мира"}, ["x" * 201]),
    ("device", "Enabled"): FLAG,
    ("device", "EnergyUnit"): ({"": "", "Gcal": "Gcal", "mwh": "MWh", "GJ": "GJ"}, ["kWh", "Гкал"]),
    ("device", "Protocol"): ({"auto": "auto", "Native": "native", "modbus": "modbus", "RTU": "rtu", "tcp": "tcp"},
                             ["", "ascii"]),
    ("device", "BlockSize"): ({"1": 1, "255": 255}, ["", "0", "256"]),
    ("device", "Template"): ({"": "", "my_meter": "my_meter", "Счётчик 2.1": "Счётчик 2.1", "a.ini": "a"},
                             ["../a", "a/b", ".hidden", "a\\b", "..", "x" * 70, ".ini"]),
    ("limits", "S<n>T<k>Min"): ({"": None, "50": 50.0, "-3.5": -3.5}, ["50,5", "x", "501", "-101"]),
    ("limits", "SW1"): CONTACT,
    ("limits", "SW2"): CONTACT,
    ("limits", "SW1Source"): SENSOR,
    ("limits", "SW2Source"): SENSOR,
    ("lora", "Days"): ({"0": 0, "400": 400}, ["", "401", "-1"]),
    ("lora", "Hours"): ({"0": 0, "1536": 1536}, ["", "1537"]),
    ("lora", "Pause"): ({"1": 1, "14400": 14400}, ["", "0", "4h"]),
    ("lora", "InnerPause"): ({"0": 0, "86400": 86400}, ["", "86401"]),
    ("lora", "Join"): ({"otaa": "otaa", "ABP": "abp"}, ["", "auto"]),
    ("lora", "DevEui"): ({"": "", "323833356E386006": "323833356e386006"}, ["323833356E38600", "g" * 16]),
    ("lora", "AppEui"): ({"": "", "A" * 16: "a" * 16}, ["a" * 17, "0x" + "a" * 14]),
    ("lora", "AppKey"): ({"": "", "aB" * 16: "ab" * 16}, ["a" * 31, " " * 32]),
    ("lora", "DevAddr"): ({"": "", "26011BDA": "26011bda"}, ["26011BD", "26011BDA0"]),
    ("lora", "NwkSKey"): ({"": "", "0" * 32: "0" * 32}, ["0" * 33]),
    ("lora", "AppSKey"): ({"": "", "f" * 32: "f" * 32}, ["f"]),
    ("lora", "Region"): ({"eu868": "EU868", "US915": "US915"}, ["", "RU864"]),
    ("lora", "DataRate"): ({"0": 0, "7": 7}, ["", "8", "SF7"]),
    ("lora", "Adr"): FLAG,
    ("lora", "Confirmed"): FLAG,
    ("lora", "Port"): ({"1": 1, "223": 223}, ["", "0", "224"]),
    ("lora", "Duty"): ({"1": 1.0, "0.1": 0.1, "100": 100.0}, ["", "0", "101", "1%"]),
    ("regulator", "Enabled"): FLAG,
    ("regulator", "Source"): ({"": None, "440020.S1G1": Source("440020", 1, "G1"), "A.S12Gv2": Source("A", 12, "Gv2")},
                              ["440020", "440020.G1", "440020.S0G1", ".S1G1", "440020.S1", "440020.S1G1 ", "№1.S1G1"]),
    ("regulator", "Setpoint"): ({"": None, "12": 12.0, "-0.5": -0.5}, ["1,5", "nan", "1000000"]),
    ("regulator", "Mode"): ({"auto": "auto", "HOLD": "hold", "manual": "manual"}, ["", "off"]),
    **{("regulator", name): ({"": None, "0": 0.0, "42.5": 42.5}, ["-1", "1000000", "50%"])
       for name in ("Output", "DeadBand", "Safe")},
    ("regulator", "Response"): ({"": None, "0.12": 0.12, "-0.5": -0.5}, ["1000000", "x"]),
    ("regulator", "Lag"): ({"10": 10.0, "0.1": 0.1}, ["", "0", "86401"]),
    ("regulator", "Delay"): ({"0": 0.0, "86400": 86400.0}, ["", "-1", "86401"]),
    **{("regulator", name): ({"0": 0.0, "100": 100.0}, ["", "-1", "1000000"]) for name in ("OutputMin", "OutputMax")},
    **{("regulator", name): ({"1": 1.0, "0.001": 0.001}, ["", "0", "-1"]) for name in ("Rate", "Scale")},
    **{("regulator", name): ({"1": 1, "86400": 86400}, ["", "0", "86401", "1.5"]) for name in ("Period", "MaxAge")},
    ("regulator", "Register"): ({"": None, "0": 0, "65535": 65535, "0x1F": 31, "0XffFF": 65535},
                                ["65536", "-1", "0x", "0x10000", "1F", "40001.0"]),
    ("regulator", "Function"): ({"6": 6, "16": 16}, ["", "5", "06", "3"]),
    ("report", "Fields"): ({"": (), "Q1": ("Q1",), "datetime, dQ1,qгвс": ("DateTime", "dQ1", "Qгвс")},
                           ["Q1,Q1", "Q9", "Q1;M1", "Q1,"]),
}  # fmt: skip


def test_the_values_below_cover_every_key() -> None:
    named = {(key.section, key.name) for kind in keys.KEYS for key in keys.KEYS[kind]}
    assert set(GOOD_AND_BAD) == named


@pytest.mark.parametrize("key", KEYS)
def test_good_values_become_what_the_settings_hold(key: keys.Key) -> None:
    good, _ = GOOD_AND_BAD[key.section, key.name]
    assert {text: key.kind.take(text) for text in good} == good


@pytest.mark.parametrize("key", KEYS)
def test_bad_values_are_refused(key: keys.Key) -> None:
    _, bad = GOOD_AND_BAD[key.section, key.name]
    for text in bad:
        with pytest.raises(ValueError):
            pytest.fail(f"{text!r} was taken as {key.kind.take(text)!r}")


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=30), st.sampled_from([key for table in keys.KEYS.values() for key in table]))
def test_a_value_is_taken_or_a_value_error_whatever_the_text(text: str, key: keys.Key) -> None:
    try:
        taken = key.kind.take(text)
    except ValueError:
        return
    hash(taken)


@pytest.mark.parametrize("key", KEYS)
def test_every_default_is_a_good_value(key: keys.Key) -> None:
    key.kind.take(key.default)
    assert key.meaning and key.kind.allowed


@pytest.mark.parametrize(("kind", "key"), [each for each in ALL if each.values[1].pattern is None])
def test_keys_are_found_without_regard_to_case(kind: str, key: keys.Key) -> None:
    assert keys.find(kind, key.section.upper(), key.name.lower()) == (key, ())


@pytest.mark.parametrize(("name", "caught"), [("S1T1Min", ("1", "1")), ("s12t3MIN", ("12", "3"))])
def test_control_temperatures_are_found_by_system_and_channel(name: str, caught: tuple[str, ...]) -> None:
    found = keys.find(keys.DEVICE, "limits", name)
    assert found is not None
    assert (found[0].field, found[1]) == ("t_min", caught)


@pytest.mark.parametrize("name", ["S0T1Min", "S1T0Min", "S<n>T<k>Min", "S1T1", "T1Min", "S1T1Max", "S100T1Min"])
def test_what_only_looks_like_a_control_temperature_is_unknown(name: str) -> None:
    assert keys.find(keys.DEVICE, "limits", name) is None


@pytest.mark.parametrize(
    ("held", "kind", "sections", "outside"),
    [
        (AgentSettings, keys.AGENT, None, set()),
        (InternalFtp, keys.FTP, {"internal"}, set()),
        (Server, keys.FTP, {"server2"}, {"section"}),
        (
            DeviceSettings,
            keys.DEVICE,
            {"device"},
            {"file", "limits", "report_fields", "template_map", "lora", "block_size_fixed", "regulator"},
        ),
        (Limits, keys.DEVICE, {"limits"}, set()),
        (LoraSettings, keys.DEVICE, {"lora"}, set()),
        (RegulatorSettings, keys.DEVICE, {"regulator"}, set()),
    ],
)
def test_every_field_of_the_settings_has_its_key(
    held: type, kind: str, sections: set[str] | None, outside: set[str]
) -> None:
    fields = [key.field for key in keys.KEYS[kind] if sections is None or key.section in sections]
    assert sorted(fields) == sorted({field.name for field in dataclasses.fields(held)} - outside)


def test_passwords_are_secret_and_nothing_else_is() -> None:
    secret = {key.name for table in keys.KEYS.values() for key in table if key.kind.secret}
    assert secret == {"Password", "ReadPassword", "InboxPassword", "AppKey", "NwkSKey", "AppSKey"}


def test_the_documentation_table_has_each_key_once_and_the_servers_once() -> None:
    rows = keys.documentation_table(keys.FTP)
    assert [row.section for row in rows] == ["internal"] * 12 + ["server1, server2, server3"] * 12
    assert keys.documentation_table(keys.AGENT)[0][:3] == ("agent", "Number", "1")
    assert len(keys.documentation_table(keys.DEVICE)) == len(keys.KEYS[keys.DEVICE])


def test_report_columns_differ_also_without_regard_to_case() -> None:
    assert len({name.lower() for name in keys.REPORT_FIELDS}) == len(keys.REPORT_FIELDS)
