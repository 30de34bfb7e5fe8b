"""Which version this is: the one place where it is said."""

VERSION = "1.0.0"
