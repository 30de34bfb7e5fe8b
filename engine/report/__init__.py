"""Reports that people sign: rows, columns and totals are pure; drawing happens in a process of its own."""
