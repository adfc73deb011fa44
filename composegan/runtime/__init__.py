"""The process: which rank it is, what it prints, its memory, and collective operations."""
