"""The commands that ship with composegan, a module each; registered in pyproject.toml like those of other packages."""
