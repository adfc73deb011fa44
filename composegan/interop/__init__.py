"""Weights from elsewhere in, and ours out, without pickles."""
