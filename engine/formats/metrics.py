"""The agent's figures in the text format of Prometheus (version 0.0.4), for node_exporter's textfile collector."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

Labels = Mapping[str, str]


@dataclass
class Family:
    """One figure. A counter ends with `_total` and never falls; a gauge has its unit in its name."""

    name: str
    meaning: str
    samples: list[tuple[Labels, float]] = field(default_factory=list)

    @property
    def kind(self) -> str:
        return "counter" if self.name.endswith("_total") else "gauge"

    def add(self, value: float | None, **labels: str) -> None:
        """A value that is not known is absent."""
        if value is not None:
            self.samples.append((labels, float(value)))


def metrics_text(families: Iterable[Family]) -> str:
    """The whole file; a family without samples is left out."""
    parts: list[str] = []
    for family in families:
        if family.samples:
            parts.append(f"# HELP {family.name} {_escaped(family.meaning)}\n# TYPE {family.name} {family.kind}\n")
            parts += [f"{family.name}{_labels_text(labels)} {_number(value)}\n" for labels, value in family.samples]
    return "".join(parts)


def _labels_text(labels: Labels) -> str:
    inside = ",".join(f'{name}="{_escaped(value, quoted=True)}"' for name, value in labels.items())
    return f"{{{inside}}}" if inside else ""


def _escaped(text: str, *, quoted: bool = False) -> str:
    escaped = text.replace("\\", "\\\\").replace("\n", "\\n")
    return escaped.replace('"', '\\"') if quoted else escaped


def _number(value: float) -> str:
    """Whole numbers without a fraction, others so that they are read back the same."""
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
