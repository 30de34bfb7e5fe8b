"""`smsd.conf` for the modem of `[modem]`: the daemon of smstools then does modem, PDU and repeats. Pure.

Meanings of the keys: smstools 3.1, "Configuring". What is not said is smsd's default.
"""

from __future__ import annotations

FOLDERS = ("outgoing", "checked", "sent", "failed", "incoming")
"""Below the spool: where a message is put, where it waits, where it ends; `incoming` must exist and stays empty."""


def smsd_conf(port: str, baud: int, spool: str, *, error_pause_s: int = 30, block_s: int = 600) -> str:
    """The whole file. `port` and `spool` are full paths.

    A modem that refused is asked again twice, each time after `error_pause_s`, then the message has failed; after three
    failures in a row the modem is left alone for `block_s` seconds. The registration is asked for before each message.
    """
    folders = "".join(f"{name} = {spool.rstrip('/')}/{name}\n" for name in FOLDERS)
    return (
        "# Written for ТСМ-смарт from [modem] of agent.ini: changes made here are lost.\n"
        "devices = GSM1\n"
        f"{folders}"
        "umask = 0007\n"
        "autosplit = 3\n"
        "loglevel = 4\n"
        "delaytime = 5\n"
        "trust_outgoing = yes\n"
        f"errorsleeptime = {error_pause_s}\n"
        "blockafter = 3\n"
        f"blocktime = {block_s}\n"
        "\n"
        "[GSM1]\n"
        "init = ATE0\n"
        f"device = {port}\n"
        f"baudrate = {baud}\n"
        "incoming = no\n"
        "rtscts = no\n"
        "device_open_retries = -1\n"
        "check_network = 2\n"
        "send_retries = 2\n"
    )
