"""How good a model is: real and generated pictures, every measure of them, and the report."""
