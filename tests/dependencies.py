"""What does Jarvis rest on, and what is each package for? `python -m tests.dependencies` prints docs/DEPENDENCIES.md; `--review` looks at what is installed.

Reasons stand in pyproject.toml, beside each package. Everything else is read from the packages themselves, so no network is asked: known weaknesses
are not among it, and the page says so.
"""

import argparse
import base64
import csv
import hashlib
import importlib.metadata
import json
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.install_parts import ROOT, closure, project, requirements

SELF = "jarvis-workspace"
EXTRAS = {
    "demo": "`jarvis demo`",
    "mcp": "agents propose",
    "notify": "delivery by chat and push",
    "cluster": "Dask: several machines",
    "secrets": "the system's keyring",
    "lab": "tables to read",
    "dev": "tests, lint, docs",
}
"""Each extra, in the order of the page, and what one has with it."""
FREE = ("MIT", "BSD", "Apache", "ISC", "0BSD", "PSF", "Python Software", "CC0", "Zlib", "HPND", "Unlicense", "Public Domain", "CNRI")
"""Licences that ask for a notice at most."""
WEAK = ("LGPL", "Lesser General Public", "MPL", "Mozilla Public")
"""Licences that ask something of whoever changes the package itself; Jarvis imports these unchanged."""
_LINE = re.compile(r'^  "([^"]+)",(?:  # (.+))?$', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Direct:
    """A package that pyproject.toml names: the extras that ask for it ("base" too), and what it is for."""

    name: str
    extras: tuple[str, ...]
    why: str


def direct() -> list[Direct]:
    """Every package that pyproject.toml names, with the reason that stands beside its first line; "" where none does."""
    reasons: dict[str, str] = {}
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8").partition("\ndependencies = [")[2].partition("[project.scripts]")[0]
    for line, why in _LINE.findall(text):
        reasons.setdefault(canonicalize_name(Requirement(line).name), why)
    asked = {"base": requirements()} | {extra: requirements(extra) for extra in project()["optional-dependencies"]}
    names = sorted({canonicalize_name(r.name) for rs in asked.values() for r in rs})
    return [Direct(n, tuple(e for e, rs in asked.items() if any(canonicalize_name(r.name) == n for r in rs)), reasons.get(n, "")) for n in names]


@cache
def licence(name: str) -> str:
    """What a package says of its licence: its expression, a short text, its classifiers, or the head of its licence file; the first that says something."""
    about = importlib.metadata.metadata(name)
    short = about.get("License") or ""
    classes = [c.rsplit("::", 1)[-1].strip() for c in about.get_all("Classifier") or () if c.startswith("License ::")]
    said = [
        about.get("License-Expression") or "",
        short if len(short) <= 40 and "\n" not in short else "",
        ", ".join(c for c in classes if c != "OSI Approved"),
    ]
    known = next((s for s in said if _is_known(s)), "") or _heading(importlib.metadata.distribution(name))
    return known if _is_known(known) else next((s for s in said if s and s != "UNKNOWN"), known or "not told")


_MIT = "Permission is hereby granted, free of charge, to any person obtaining a copy of this software"
"""How the text of that licence begins, in files that do not say its name."""


def _heading(package: importlib.metadata.Distribution) -> str:
    files = [p for p in _paths(package) if p.name.lower().startswith(("licen", "copying")) and p.is_file()]
    texts = [p.read_text(encoding="utf-8", errors="replace") for p in files]
    if any(_MIT in " ".join(text.split()) for text in texts):
        return "MIT (its text)"
    lines = (line.strip() for text in texts for line in text.splitlines())
    return next((line for line in lines if line), "")[:60]


def _is_known(said: str) -> bool:
    return any(word.lower() in said.lower() for word in (*FREE, *WEAK))


# --- the page ------------------------------------------------------------------------------------------------------------


def counts() -> list[tuple[str, str, int, int | None, int | None]]:
    """(extra, what one has with it, direct packages, all packages with it, those that it adds to the base); None where they are not installed here."""
    base, absent = closure(requirements())
    rows: list[tuple[str, str, int, int | None, int | None]] = [("base", "everything but the rows below", len(requirements()), len(base), len(base))]
    for extra, what in EXTRAS.items():
        found, missing = closure(requirements(extra))
        both = base | found
        rows.append((extra, what, len(requirements(extra)), None if missing or absent else len(both), None if missing or absent else len(both - base)))
    return rows


def page() -> str:
    """docs/DEPENDENCIES.md as it should be."""
    version = ".".join(map(str, sys.version_info[:2]))
    told = [f"| {e} | {w} | {d} | {'' if a is None else a} | {'' if n is None else n} |" for e, w, d, a, n in counts()]
    each = [f"| {d.name} | {', '.join(d.extras)} | {d.why} | {licence(d.name)} |" for d in direct()]
    everything, _ = closure(r for e in ("", *EXTRAS) for r in requirements(*([e] if e else [])))
    base, _ = closure(requirements())
    weak = [n for n in sorted(everything) if any(w in licence(n) for w in WEAK)]
    return _PAGE.format(
        version=version,
        system=sys.platform,
        counts="\n".join(told),
        each="\n".join(each),
        native_base=sum(_native(n) for n in base),
        base=len(base),
        weak=", ".join(f"{n} ({licence(n)}{'' if n in base else '; not in the base'})" for n in weak),
    )


_PAGE = """# Dependencies

What does Jarvis rest on, what is each package for, and under which licence? This page is made by `python -m tests.dependencies`, from pyproject.toml, where
each package's reason stands beside it, and from what the installed packages say of themselves. A test fails for a package without a reason, for one
that the code imports and pyproject.toml does not name, and for a page that is out of date.

## How many

Measured on Python {version}, {system}, with the versions of constraints.txt. *All* counts what the direct ones bring, too.

| extra | what you have with it | direct | all | more than the base |
|---|---|---|---|---|
{counts}

The core night (add, approve, work, prove, brief) runs with the base alone: `python -m pytest -m long tests/test_core_night.py` works one in an environment
that has nothing else. What needs more says so in one sentence, with the line that installs it.

## Each direct one

| package | asked for by | what it is for | licence |
|---|---|---|---|
{each}

## The review

```sh
python -m tests.dependencies --review          # what is installed, against constraints.txt and each other; some seconds
python -m tests.dependencies --review --files  # and each file against the hash that its installation noted
```

It asks nobody, and ends with 1 when something is wrong: a requirement that is not met, a version that nobody tested, a licence that is neither free
nor named below, a package that came from an address instead of a registry, a file that changed after it was installed (in an environment that was
moved these are its programs, which name the old place). It also names what runs at every start of Python (`.pth` files) and counts who brings native
code: {native_base} of the {base} packages of the base do, which no reader of Python can look into.

These ask something of whoever changes the package itself; Jarvis imports them unchanged: {weak}.

What it cannot know without a network are weaknesses that were found since. For these give constraints.txt to a tool that asks a database of them
(`pip-audit -r constraints.txt`), which sends the names and versions of the packages to that database.
"""


# --- the review ----------------------------------------------------------------------------------------------------------


def review(*, files: bool = False) -> tuple[list[str], list[str]]:
    """(what is wrong, what is worth knowing) about the packages that Jarvis and its extras bring here."""
    names, missing = closure(r for e in ("", *EXTRAS) for r in requirements(*([e] if e else [])))
    known = [f"{len(names)} packages; {sum(_native(n) for n in names)} with native code"]
    known += [f"not installed here, so not looked at: {n}" for n in sorted(missing)]
    wrong: list[str] = []
    pins = _pins()
    for name in sorted(names):
        package = importlib.metadata.distribution(name)
        wrong += _unmet(package)
        if pins.get(name) not in (None, package.version):
            wrong.append(f"{name} is {package.version}, and the tests ran with {pins[name]}")
        if name not in pins:
            (wrong if sys.platform == "linux" else known).append(f"{name} {package.version} does not stand in constraints.txt, which was made on Linux")
        said = licence(name)
        if not _is_known(said):
            wrong.append(f"{name}: the licence is {said}")
        origin = package.read_text("direct_url.json")
        if origin:
            wrong.append(f"{name} came from {json.loads(origin).get('url', 'an address')}")
        known += [f"{name} runs {path} at every start of Python" for path in record(name) if path.endswith(".pth")]
        if files:
            wrong += _changed(package)
    return wrong, known


def _pins() -> dict[str, str]:
    """Package -> version, of the lines of constraints.txt that count here."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    asked = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(r.name): str(r.specifier).removeprefix("==") for r in asked if r.marker is None or r.marker.evaluate()}


def _unmet(package: importlib.metadata.Distribution) -> Iterator[str]:
    for requirement in map(Requirement, package.requires or ()):
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            found = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            yield f"{package.name} asks for {requirement}, which is not installed"
            continue
        if not requirement.specifier.contains(found, prereleases=True):
            yield f"{package.name} asks for {requirement}, and {found} is installed"


def _paths(package: importlib.metadata.Distribution) -> list[Path]:
    return [Path(os.path.normpath(str(package.locate_file(p)))) for p in package.files or ()]


@cache
def record(name: str) -> tuple[str, ...]:
    """The paths of a package's files as its installation noted them."""
    text = importlib.metadata.distribution(name).read_text("RECORD") or ""
    return tuple(line.rsplit(",", 2)[0].strip('"') for line in text.splitlines())


def _native(name: str) -> bool:
    return any(path.endswith((".so", ".dylib")) or ".so." in path for path in record(name))


def _changed(package: importlib.metadata.Distribution) -> Iterator[str]:
    """What differs from the hashes of the installation. They are read from its RECORD: `files` leaves out what is gone, from Python 3.12 on."""
    for path, said, _ in csv.reader((package.read_text("RECORD") or "").splitlines()):
        if not said:
            continue
        kind, _, value = said.partition("=")
        there = Path(os.path.normpath(str(package.locate_file(path))))
        if not there.is_file():
            yield f"{package.name}: {path} is gone"
        elif base64.urlsafe_b64encode(hashlib.new(kind, there.read_bytes()).digest()).rstrip(b"=").decode() != value:
            yield f"{package.name}: {path} is not what was installed"


def main() -> int:
    """Print the page, or the review; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.dependencies", description="The packages that Jarvis rests on.")
    parser.add_argument("--review", action="store_true", help="look at what is installed; 1 when something is wrong")
    parser.add_argument("--files", action="store_true", help="with --review: each file against the hash of its installation")
    args = parser.parse_args()
    if not args.review:
        print(page(), end="")
        return 0
    wrong, known = review(files=args.files)
    for line in known:
        print(line)
    for line in wrong:
        print(f"wrong: {line}")
    print(f"{len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
