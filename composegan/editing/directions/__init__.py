"""Directions in the latent space that do one thing to chosen classes: found, measured, saved, applied."""
