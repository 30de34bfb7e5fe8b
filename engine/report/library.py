"""The PDF library without its optional half: a statement has no pictures and no signature of its own.

What is not loaded costs neither time nor memory, and cannot change the bytes of a statement: they are the same whether
somebody else on this machine needs Pillow or not. Everything that draws takes the library from here.
"""

from __future__ import annotations

import gc
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

_NEEDLESS = ("PIL", "cryptography", "endesive", "numpy", "uharfbuzz")
"""fpdf2 does without each of them: pictures, signatures and encryption, text of scripts that need shaping."""
_HOLLOW: dict[str, tuple[str, ...]] = {
    "unittest.mock": ("patch",),
    "fontTools.varLib.instancer": (),
    "fontTools.varLib.merger": ("VariationMerger", "COLRVariationMerger"),
}
"""What fpdf2 will have, with the names it takes: for signatures (it brings asyncio), for variable fonts."""


@contextmanager
def _spared() -> Iterator[None]:
    """While the library is loaded; afterwards whoever wants those modules gets them."""
    names = (*_NEEDLESS, *_HOLLOW)
    before = {name: sys.modules[name] for name in names if name in sys.modules}
    was_on = gc.isenabled()
    gc.disable()  # nothing of what is loaded here is garbage
    try:
        sys.modules.update({name: _hollow(name) for name in _HOLLOW})
        for name in _NEEDLESS:
            sys.modules[name] = None  # type: ignore[assignment]  # which forbids to look for it
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Pillow could not be imported")
            yield
    finally:
        for name in names:
            sys.modules.pop(name, None)
        sys.modules.update(before)
        if was_on:
            gc.enable()


def _hollow(name: str) -> ModuleType:
    module = ModuleType(name)
    module.__dict__.update(dict.fromkeys(_HOLLOW[name]))
    return module


with _spared():
    from fpdf import FPDF
    from fpdf.enums import WrapMode, XPos, YPos

__all__ = ["FPDF", "WrapMode", "XPos", "YPos"]
