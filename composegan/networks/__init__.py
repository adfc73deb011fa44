"""The networks, as plain modules: they know tensors and sizes, and nothing of training, configuration or domains."""
