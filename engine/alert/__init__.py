"""Alerts: what changed, what is told of it and to whom. Pure but for `book`, which keeps it on the disk."""
