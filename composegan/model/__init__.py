"""A trained model in use: loading, latent codes, sampling, tuned weights."""

TRUNCATION = 0.7
"""Default truncation of codes that are drawn to be looked at, from Python and from the command line. 1 keeps the full
variety, 0 gives the mean picture."""
