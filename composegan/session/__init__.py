"""A picture edited step by step: requests as plain values, undo and redo, and documents that replay bit for bit."""
