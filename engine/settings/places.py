"""Places outside of the root that a settings file may name: it may come over FTP, so few are allowed."""

from __future__ import annotations

import re

from engine.dialect.kinds import Kind, choice, or_empty

SPOOLS = ("/var/spool/sms", "var/sms")
"""smstools' own spool, or one inside the root."""
_METRICS = re.compile(
    r"www/[A-Za-z0-9_-]{1,60}\.prom|(?:/var/lib/prometheus/node-exporter|/var/lib/node_exporter)/tsm[A-Za-z0-9_-]{0,60}\.prom"
)
_COLLECTED = "/var/lib/prometheus/node-exporter/tsm.prom"


def metrics_file() -> Kind:
    """A name in `www/`, or one of ours in a folder of node_exporter, where other programs have files too."""

    def take(value: str) -> object:
        if not _METRICS.fullmatch(value):
            raise ValueError
        return value

    allowed = f"www/имя.prom, {_COLLECTED} или /var/lib/node_exporter/tsm.prom; имя в чужой папке начинается с tsm"
    return or_empty(Kind(allowed, take), "")


def sms_spool() -> Kind:
    return choice(*SPOOLS)
