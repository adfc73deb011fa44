"""Measures: tensors in, numbers out."""
