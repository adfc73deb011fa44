"""Files: written whole or not at all, locked, and read with care when anyone may have written them."""
