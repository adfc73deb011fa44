"""Tensors to pictures and videos."""
