"""Which classes share a generator."""
