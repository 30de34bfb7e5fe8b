"""A file of figures, read by Prometheus' own parser."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families


def read(text: str) -> dict[str, tuple[str, list[tuple[dict[str, str], float]]]]:
    """Kind and samples of each family; the parser takes `_total` off a counter's name."""
    return {
        family.name: (family.type, [(sample.labels, sample.value) for sample in family.samples])
        for family in text_string_to_metric_families(text)
    }
