"""What does somebody have who installed Jarvis and nothing else? A real environment with the packages of some requirements, and no network for it.

The packages are those of the environment that runs the tests, as hard links: only what the requirements bring, so what is missing is really missing.
"""

import importlib.metadata
import os
import shutil
import subprocess
import sys
import tomllib
import venv
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent


@cache
def project() -> dict[str, Any]:
    """The table [project] of pyproject.toml."""
    table: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return table


def requirements(*extras: str) -> list[Requirement]:
    """What Jarvis asks for itself: with no `extras` the base, else what these extras add."""
    optional = project()["optional-dependencies"]
    return [Requirement(line) for line in ([r for e in extras for r in optional[e]] if extras else project()["dependencies"])]


def closure(asked: Iterable[Requirement]) -> tuple[set[str], set[str]]:
    """The packages that the requirements bring here, and those of them that this environment has not; by canonical name."""
    found: set[str] = set()
    missing: set[str] = set()
    seen: set[tuple[str, str]] = set()
    waiting = [(r, extra) for r in asked if _counts(r, "") for extra in ("", *sorted(r.extras))]
    while waiting:
        requirement, extra = waiting.pop()
        name = canonicalize_name(requirement.name)
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        asks = _asks(name)
        if asks is None:
            missing.add(name)
            continue
        found.add(name)
        waiting += [(r, e) for r in asks if _counts(r, extra) for e in ("", *sorted(r.extras))]
    return found, missing


@cache
def _asks(name: str) -> list[Requirement] | None:
    try:
        return [Requirement(line) for line in importlib.metadata.requires(name) or []]
    except importlib.metadata.PackageNotFoundError:
        return None


def _counts(requirement: Requirement, extra: str) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": extra})


def environment(folder: Path, asked: Iterable[Requirement]) -> Path:
    """A virtual environment in `folder` with nothing but what the requirements bring; its Python. No Jarvis is in it yet."""
    venv.create(folder, symlinks=True, with_pip=False)
    site = next((folder / "lib").glob("python3.*")) / "site-packages"
    found, missing = closure(asked)
    if missing:
        pytest.skip(f"this environment has no {', '.join(sorted(missing))}")
    for name in sorted(found):
        for source, target in _parts(importlib.metadata.distribution(name), folder, site):
            _linked(source, target)
    return folder / "bin" / "python"


def _parts(package: importlib.metadata.Distribution, folder: Path, site: Path) -> Iterator[tuple[Path, Path]]:
    """(here, there) of every file of a package, also of those that it keeps beside the libraries (share/, etc/)."""
    for path in package.files or ():
        here = Path(os.path.normpath(str(package.locate_file(path))))
        if here.is_file() and path.parts[-1] != "direct_url.json":
            outside = path.parts[0] == ".."
            if not outside:
                yield here, site / path
            elif here.is_relative_to(sys.prefix) and "bin" not in here.relative_to(sys.prefix).parts[:1]:
                yield here, folder / here.relative_to(sys.prefix)


def _linked(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except FileExistsError:
        return
    except OSError:  # another file system
        shutil.copy2(source, target)


def built(folder: Path, kind: str = "wheel") -> Path:
    """The wheel (or the sdist) of this clone, made by what `make wheel` calls."""
    subprocess.run([sys.executable, "-m", "build", "--no-isolation", f"--{kind}", "--outdir", str(folder), str(ROOT)], check=True, capture_output=True)
    return next(folder.glob("*.whl" if kind == "wheel" else "*.tar.gz"))


def install(python: Path, wheel: Path) -> None:
    """The wheel into that environment, by an ordinary installer and without looking for anything else."""
    words = ["--no-deps", "--no-index", "--quiet", str(wheel)]
    if find_spec("pip"):
        subprocess.run([sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check", "install", *words], check=True)
    elif shutil.which("uv"):
        subprocess.run(["uv", "pip", "install", "--python", str(python), *words], check=True)
    else:
        pytest.skip("needs pip or uv in the environment of the tests")


def outside(folder: Path) -> dict[str, str]:
    """The environment variables of a person with an empty home, who never saw the clone."""
    home = folder / "home"
    home.mkdir(parents=True, exist_ok=True)
    return {"HOME": str(home), "PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "TZ": "UTC"}
