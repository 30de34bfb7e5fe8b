"""Builds everything from the settings, keeps it running, applies a reload by difference, stops it cleanly."""
