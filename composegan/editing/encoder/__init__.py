"""The encoder of a model: from pictures to codes in one forward pass (docs/guide/inversion.md)."""
