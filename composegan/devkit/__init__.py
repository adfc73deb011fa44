"""For authors of plugins: conformance tests and the scaffold of a new domain."""
