"""Evaluate a model: real and generated pictures, all metrics of them, and the report."""
