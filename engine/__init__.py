"""Everything between a meter and a file server; the families of meters are in `drivers`."""
