"""Tensors to pictures and videos that people look at."""
