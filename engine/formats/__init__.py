"""Values to text and back, exact to the byte: snapshots, archives, gaps, drops (formats guide)."""
