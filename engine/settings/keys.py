"""Every key of `agent.ini`, `ftp.ini` and the device files, once (formats guide, section 3).

This table drives reading, checking and the tables of the documentation. A default stands as it would be written.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from engine.dialect import kinds
from engine.dialect.key import Key
from engine.dialect.kinds import Kind, choice, flag, milliseconds, or_empty, tty_port, whole, words
from engine.settings import lora, places, regulator

AGENT, FTP, DEVICE = "agent", "ftp", "device"
SERVERS = ("server1", "server2", "server3")
ALERT_INTERVAL_LEAST_S = 2800

REPORT_FIELDS = (
    "Q1", "dQ1", "M1", "dM1", "V1", "dV1", "T1", "P1", "Q2", "dQ2", "M2", "dM2", "V2", "dV2", "T2", "P2", "T3", "P3",
    "Tall", "dTall", "Tgood", "dTgood", "Tmin", "dTmin", "Tmax", "dTmax", "Tdt", "dTdt", "Terr", "dTerr", "Err", "SW1",
    "SW2", "DateTime", "Q", "Qот", "Qгвс", "dM", "dT",
)  # fmt: skip


class Row(NamedTuple):
    """One line of a documentation table."""

    section: str
    key: str
    default: str
    allowed: str
    meaning: str


_AGENT = (
    Key("agent", "Number", "1", whole(1, 10**16 - 1), "number",
        "номер ТСМ-смарт, свой у каждого: с него начинается имя каждой посылки на серверы"),
    Key("agent", "Name", "ТСМ-СМАРТ", kinds.text(100), "name", "название в состоянии, списке файлов и письмах"),
    Key("agent", "Timezone", "Europe/Moscow", kinds.time_zone(), "timezone", "часовой пояс"),
    Key("agent", "AutoPoll", "1", flag(), "auto_poll", "автоматический опрос; 0 = выключен, пока не включат"),
    Key("agent", "PollInterval", "60", whole(1, 86400, "с"), "poll_interval_s", "период опроса одного прибора"),
    Key("agent", "ArchiveLimit", "3G", kinds.size(10240, "число байт от 10K, можно с K, M, G, T: 500M, 3G"),
        "archive_limit_bytes", "сколько места занимают архивы в www/; сверх этого уходят самые старые файлы"),
    Key("time", "Set", "", kinds.clock_setting(), "time_set",
        "установить часы один раз: месяц, число, часы, минуты, год по две цифры; после попытки стирается"),
    Key("time", "SyncPort", "", tty_port(), "sync_port", "порт, прибор на котором даёт точное время"),
    Key("time", "SyncBaud", "9600", kinds.baud(), "sync_baud", "скорость этого порта"),
    Key("txt", "DosEncoding", "cp1251", choice("cp1251", "cp866", "utf-8"), "dos_encoding",
        "кодировка варианта dos в посылках"),
    Key("txt", "EventDate", "ymd", choice("ymd", "dmy"), "event_date",
        "порядок даты в архиве событий: ymd = год.месяц.день, dmy = день.месяц.год"),
    Key("alerts", "Mail", "0", flag(), "mail", "отчеты об ошибках на почту; 0 выключает и SMS"),
    Key("alerts", "Sms", "0", flag(), "sms", "отчеты об ошибках по SMS"),
    Key("alerts", "Interval", "3600", whole(0, 2592000, "с"), "alert_interval_s",
        "интервал контроля ошибок; меньше 2800 не бывает: берётся 2800"),
    Key("alerts", "Silence", "86400", whole(0, 2592000, "с"), "alert_silence_s",
        "отчет, если от прибора так долго нет показаний; 0 = не следить"),
    Key("alerts", "Forecast", "0", flag(), "alert_forecast",
        "прогноз: предупредить, если температура такими темпами за час станет ниже контрольной"),
    Key("alerts", "MailTo", "", kinds.mail_addresses(), "mail_to", "почта получателей, через запятую"),
    Key("alerts", "MobNum", "", kinds.phones(), "mob_num", "телефоны для SMS, через запятую"),
    Key("report", "Day", "29", whole(1, 31), "report_day",
        "число месяца, когда отчет уходит на почту; в коротком месяце его последний день"),
    Key("report", "Days", "31", whole(1, 366), "report_days", "за сколько суток ежедневный отчет"),
    Key("modem", "Port", "", tty_port(), "modem_port", "порт модема для SMS"),
    Key("modem", "Baud", "115200", kinds.baud(), "modem_baud", "скорость модема"),
    Key("modem", "Spool", "/var/spool/sms", places.sms_spool(), "modem_spool",
        "папка службы smstools, которая отправляет SMS"),
    Key("usb", "Export", "1", flag(), "usb_export", "копировать архивы на вставленный флеш-накопитель"),
    Key("tcp", "Ports", "0", flag(), "tcp_ports", "прозрачный доступ к приборам через порты TCP"),
    Key("tcp", "Bind", "127.0.0.1", kinds.address(), "tcp_bind", "на каком своём адресе принимать; 0.0.0.0 = на всех"),
    Key("tcp", "Allow", "", kinds.networks(), "tcp_allow", "кому можно, через запятую; пусто = всем"),
    Key("tcp", "Map", "ttyS0:2000,ttyS1:2001," + ",".join(f"ttyUSB{1000 + n}:{3000 + n}" for n in range(6)),
        kinds.port_map(), "tcp_map", "какой порт прибора через какой порт TCP доступен"),
    Key("web", "Port", "0", whole(0, kinds.PORT_MAX), "web_port", "список файлов по HTTP, на приборе 8080; 0 = нет"),
    Key("lcd", "Server", "", or_empty(kinds.host_port(), ""), "lcd_server", "сервер ЖКИ; пусто = выключен"),
    Key("lcd", "Encoding", "translit", choice("translit", "cp1251", "koi8-r", "iso8859-5"), "lcd_encoding",
        "кодировка русских букв на ЖКИ; translit = латинскими буквами"),
    Key("metrics", "File", "", places.metrics_file(), "metrics_file", "показатели для Prometheus, файл; пусто = нет"),
)  # fmt: skip

_LOGIN, _SECRET = kinds.text(64), kinds.text(64, secret=True)
_TLS = Kind("0, 1 или 2", lambda text: whole(0, 2).take(text))

_INTERNAL = (
    Key("internal", "Enabled", "1", flag(), "enabled", "встроенный FTP-сервер"),
    Key("internal", "Bind", "0.0.0.0", kinds.address(), "bind", "на каком своём адресе принимать; 0.0.0.0 = на всех"),
    Key("internal", "Port", "21", whole(1, kinds.PORT_MAX), "port", "порт; меньше 1024 требует прав"),
    Key("internal", "PassivePorts", "", kinds.passive_ports(), "passive_ports", "порты пассивного режима"),
    Key("internal", "User", "TsmSmartFtp", _LOGIN, "user", "имя пользователя, которому видно всё"),
    Key("internal", "Password", "TsmSmartFtp", _SECRET, "password", "его пароль: заводской замените своим"),
    Key("internal", "ReadUser", "", _LOGIN, "read_user",
        "второй пользователь: только чтение www/ и log/User/txt/; пусто = нет"),
    Key("internal", "ReadPassword", "", _SECRET, "read_password", "его пароль"),
    Key("internal", "InboxUser", "", _LOGIN, "inbox_user",
        "пользователь для других ТСМ-смарт: только запись в log/Ftp/; пусто = нет"),
    Key("internal", "InboxPassword", "", _SECRET, "inbox_password", "его пароль"),
    Key("internal", "Tls", "0", _TLS, "tls", "шифрование: 0 = нет, 1 = по желанию, 2 = обязательно"),
    Key("internal", "InboxLimit", "1G", kinds.size(1, "число байт, можно с K, M, G, T: 500M, 1G"), "inbox_limit_bytes",
        "сколько места занимает log/Ftp/; сверх этого файлы не принимаются, ничего не удаляется"),
)  # fmt: skip


def _server(section: str) -> tuple[Key, ...]:
    return (
        Key(section, "Enabled", "0", flag(), "enabled", "отправка на этот внешний FTP-сервер"),
        Key(section, "Host", "", or_empty(kinds.host(), ""), "host", "его адрес"),
        Key(section, "Port", "21", whole(1, kinds.PORT_MAX), "port", "его порт"),
        Key(section, "User", "", _LOGIN, "user", "имя пользователя на нём"),
        Key(section, "Password", "", _SECRET, "password", "пароль на нём"),
        Key(section, "Directory", "", kinds.text(200), "directory", "папка на нём; пусто = та, где он встречает"),
        Key(section, "Interval", "1200", whole(1, 604800, "с"), "interval_s", "как часто отправлять"),
        Key(section, "Variants", "linux,dos", words(choice("linux", "dos"), most=2, empty=False), "variants",
            "какие варианты посылки отправлять"),
        Key(section, "Passive", "1", flag(), "passive", "пассивный режим"),
        Key(section, "Tls", "0", _TLS, "tls", "шифрование: 0 = нет, 1 = если сервер умеет, 2 = обязательно"),
        Key(section, "Encoding", "utf-8", choice("utf-8", "cp1251", "cp866", "latin-1"), "encoding",
            "кодировка имён на нём"),
        Key(section, "Timeout", "30", kinds.number(0.5, 600, "с"), "timeout_s", "сколько ждать ответа"),
    )  # fmt: skip


_DEVICE = (
    Key("device", "DevType", "auto", kinds.device_type(), "dev_type", "тип прибора; auto = спросить у прибора"),
    Key("device", "DevNumber", "", kinds.device_number(), "dev_number", "заводской номер: с ним все имена файлов"),
    Key("device", "Connection", "Serial", choice("Serial", "TCP"), "connection", "канал связи; RS-485 это тоже Serial"),
    Key("device", "Port", "", tty_port(), "port", "порт для Serial"),
    Key("device", "Baud", "9600", kinds.baud(), "baud", "скорость, та же, что в приборе"),
    Key("device", "NetAddr", "0", whole(0, 255), "net_addr",
        "сетевой адрес прибора; 0 = ответит любой, если прибор на линии один"),
    Key("device", "NetIP", "", or_empty(kinds.host(), ""), "net_ip", "IP-адрес для TCP"),
    Key("device", "NetPort", "10001", whole(1, kinds.PORT_MAX), "net_port",
        "порт для TCP; через другой ТСМ-смарт 2000, 3000…"),
    Key("device", "ByteTimeout", "200", milliseconds(1, 60000), "byte_timeout_s", "пауза внутри ответа"),
    Key("device", "PacketTimeout", "350", milliseconds(1, 60000), "packet_timeout_s", "ожидание начала ответа"),
    Key("device", "Retries", "5", whole(0, 100), "retries", "число попыток повтора запроса"),
    Key("device", "Reconnects", "10", whole(1, 1000), "reconnects",
        "число попыток восстановления связи; после них прибор не в сети и опрашивается реже"),
    Key("device", "HourRecords", "24", whole(1, 100000), "hour_records",
        "сколько часовых записей читает команда archive без дат"),
    Key("device", "DayRecords", "31", whole(1, 100000), "day_records",
        "сколько суточных записей читает команда archive без дат"),
    Key("device", "ReportDay", "", or_empty(whole(1, 31), None), "report_day", "отчетный день, печатается в отчетах"),
    Key("device", "ReportRecords", "", or_empty(whole(1, 100000), None), "report_records",
        "число записей, печатается в отчетах"),
    Key("device", "Responsible", "", kinds.text(200), "responsible", "ответственное лицо, печатается в отчетах"),
    Key("device", "Address", "", kinds.text(200), "address", "адрес установки, печатается в отчетах"),
    Key("device", "Enabled", "1", flag(), "enabled", "опрашивать прибор; автонастройка пишет 0, подтвердите: 1"),
    Key("device", "EnergyUnit", "", or_empty(choice("Gcal", "MWh", "GJ"), "", "по типу прибора"), "energy_unit",
        "в чём прибор считает тепло; в файлах всегда Гкал"),
    Key("device", "Protocol", "auto", choice("auto", "native", "modbus", "rtu", "tcp"), "protocol",
        "протокол, если у типа их два (РСМ-05); для Modbus через TCP: rtu = за преобразователем RS-485"),
    Key("device", "BlockSize", "64", whole(1, 255, "байт"), "block_size", "сколько памяти читать одним запросом; "
        "пока не задан, архив читается и большими порциями, если прибор их отдаёт"),
    Key("device", "Template", "", kinds.bare_name(), "template",
        "имя шаблона для DevType=Modbus, файл в log/User/templates/ или в etc/templates/"),
    Key("limits", "S<n>T<k>Min", "", or_empty(kinds.number(-100, 500, "°C"), None, "нет контроля"), "t_min",
        "контрольная температура №k системы №n, ниже неё отчет об ошибке", re.compile(r"s([1-9][0-9]?)t([1-9])min")),
    Key("limits", "SW1", "", kinds.contact(), "sw1", "нормальное состояние датчика контроля 1"),
    Key("limits", "SW2", "", kinds.contact(), "sw2", "нормальное состояние датчика контроля 2"),
    Key("limits", "SW1Source", "", kinds.sensor_file(), "sw1_source", "файл, где 0 или 1 = состояние датчика 1"),
    Key("limits", "SW2Source", "", kinds.sensor_file(), "sw2_source", "файл, где 0 или 1 = состояние датчика 2"),
    Key("report", "Fields", "", words(choice(*REPORT_FIELDS), most=len(REPORT_FIELDS)), "fields",
        "столбцы для «Мои отчеты»"),
)  # fmt: skip

KEYS: dict[str, tuple[Key, ...]] = {
    AGENT: _AGENT,
    FTP: _INTERNAL + tuple(key for section in SERVERS for key in _server(section)),
    DEVICE: (*_DEVICE, *lora.KEYS, *regulator.KEYS),
}


def sections(file_kind: str) -> tuple[str, ...]:
    """The sections of a file in the order of the table."""
    return tuple(dict.fromkeys(key.section for key in KEYS[file_kind]))


def find(file_kind: str, section: str, name: str) -> tuple[Key, tuple[str, ...]] | None:
    """The key that a line means, without regard to case, and what its pattern caught; None when there is none."""
    exact = _BY_NAME[file_kind].get((section.lower(), name.lower()))
    if exact is not None:
        return exact, ()
    for key in KEYS[file_kind]:
        caught = key.pattern.fullmatch(name.lower()) if key.pattern and key.section == section.lower() else None
        if caught is not None:
            return key, caught.groups()
    return None


def documentation_table(file_kind: str) -> tuple[Row, ...]:
    """The rows of the table of `AGENT`, `FTP` or `DEVICE`; the three servers, which are alike, stand once."""
    keys = (key for key in KEYS[file_kind] if key.section not in SERVERS[1:])
    return tuple(Row(_title(key.section), key.name, key.default, key.kind.allowed, key.meaning) for key in keys)


def _title(section: str) -> str:
    return ", ".join(SERVERS) if section == SERVERS[0] else section


_BY_NAME = {
    file_kind: {(key.section, key.name.lower()): key for key in table if key.pattern is None}
    for file_kind, table in KEYS.items()
}
