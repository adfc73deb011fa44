"""Metrics: tensors in, numbers out. Each is registered under the entry-point group `composegan.metrics`."""
