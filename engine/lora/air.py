"""What the air allows: bytes in one uplink, and how long it takes. Pure.

LoRaWAN Regional Parameters (payload by data rate, without options); Semtech AN1200.13 (time on air).
"""

from __future__ import annotations

import math

FRAME_OVERHEAD_BYTES = 13
"""MAC header, address, control, counter, port and MIC around the payload."""

_EUROPEAN = (51, 51, 51, 115, 242, 242, 242, 242)
_AMERICAN = (11, 53, 125, 242, 242)
_FSK_BITS_PER_S = 50_000
_PREAMBLE_SYMBOLS = 12.25
_LOW_RATE_SYMBOL_S = 0.016


def payload_limit_bytes(region: str, data_rate: int) -> int:
    """The longest payload; of regions other than EU868 and US915 by analogy with the former."""
    limits = _AMERICAN if region == "US915" else _EUROPEAN
    return limits[min(data_rate, len(limits) - 1)]


def time_on_air_s(payload_bytes: int, region: str, data_rate: int) -> float:
    """How long one uplink with so many bytes of payload keeps the channel."""
    length = payload_bytes + FRAME_OVERHEAD_BYTES
    if region == "US915":
        factor, bandwidth_hz = (10 - data_rate, 125_000) if data_rate < 4 else (8, 500_000)
    elif data_rate == 7:
        return (length + 8) * 8 / _FSK_BITS_PER_S
    else:
        factor, bandwidth_hz = (12 - data_rate, 125_000) if data_rate < 6 else (7, 250_000)
    symbol_s = float(1 << factor) / bandwidth_hz
    low_rate = symbol_s >= _LOW_RATE_SYMBOL_S
    coded = math.ceil((8 * length - 4 * factor + 28 + 16) / (4 * (factor - 2 * low_rate))) * 5
    return float((_PREAMBLE_SYMBOLS + 8 + max(coded, 0)) * symbol_s)


def silence_s(on_air_s: float, duty_percent: float) -> float:
    """How long to be silent after an uplink, so that the share of the time on air is kept."""
    return on_air_s * (100 / duty_percent - 1)
