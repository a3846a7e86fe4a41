"""How does a package have many public names and load few modules? Each name is loaded when it is first used."""

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any


def lazily(package: str, home: Mapping[str, Sequence[str]]) -> Callable[[str], Any]:
    """The `__getattr__` of `package` (PEP 562). `home` tells the public names of each module, which is named from the package on (".verbs") or whole."""

    def loaded(name: str) -> Any:
        for module, names in home.items():
            if name in names:
                found = getattr(import_module(module, package), name)
                setattr(sys.modules[package], name, found)
                return found
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return loaded
