"""A trained model in use: loading, latent codes, sampling, tuned weights."""
