"""The archive of a meter: which records are missing, what follows from them, and where they are kept."""
