"""The host's clock: read by everybody, set here alone. Setting it needs a right (CAP_SYS_TIME)."""

from __future__ import annotations

import ctypes
import errno
import time
from datetime import datetime
from functools import cache

from engine.clock.setting import ClockRefused

_STA_UNSYNC = 0x0040
_LONGEST_TIMEX_BYTES = 512


class _Timex(ctypes.Structure):
    """The head of `struct timex` (adjtimex(2)); what follows is not looked at."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_char * _LONGEST_TIMEX_BYTES),
    )


def set_host_clock(moment: datetime) -> None:
    """Set it, at once. `moment` has a zone. Raises ClockRefused."""
    try:
        time.clock_settime(time.CLOCK_REALTIME, moment.timestamp())
    except PermissionError:
        raise ClockRefused("нет права ставить часы этого устройства: службе нужно CAP_SYS_TIME") from None
    except OSError as error:
        raise ClockRefused(f"система не приняла время: {errno.errorcode.get(error.errno or 0, error.errno)}") from None


@cache
def _library() -> ctypes.CDLL:
    """Loaded once: each loading makes a class of its own."""
    return ctypes.CDLL(None, use_errno=True)


def follows_ntp() -> bool:
    """Whether some NTP service of the host keeps the clock: then the kernel calls it synchronised (adjtimex(2))."""
    timex = _Timex()
    if _library().adjtimex(ctypes.byref(timex)) < 0:
        return False
    return not timex.status & _STA_UNSYNC
