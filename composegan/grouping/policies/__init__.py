"""The grouping policies that ship with composegan, one per file, registered in pyproject.toml."""
