"""What do the facts of patterns do to the rows, and which are refused?"""

from collections.abc import Callable
from typing import Any

KEYS: dict[str, str] = {}
RULES: dict[str, Callable[[Any, Any], None]] = {}
