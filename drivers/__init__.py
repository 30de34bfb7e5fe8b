"""What is known of each device family, one file each. There is no list to edit."""

from __future__ import annotations

import importlib
import pkgutil

from engine.dialogue import Driver


def load() -> tuple[Driver, ...]:
    """Every driver of this folder: each module that ends in `DRIVER = Driver(...)`."""
    modules = (importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__))
    return tuple(module.DRIVER for module in modules if hasattr(module, "DRIVER"))
