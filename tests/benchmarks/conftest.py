"""The studies are not installed: import them from the checkout, after every installed package."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2]))
