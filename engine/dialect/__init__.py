"""The text that a user writes: lines, keys, and what their values may be (formats guide, section 1)."""
