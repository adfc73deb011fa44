"""The Python API: the functions and classes that `import composegan` offers."""
