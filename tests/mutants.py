"""Does a test notice when a rule changes? `python -m tests.mutants` changes policy, verdicts, risk and trust one expression at a time and runs their tests.

mutmut makes the changes (pyproject.toml names the files and the tests). What no test notices is printed with its line; each such change must stand in
EQUIVALENT with the reason why nobody could notice it, else the exit code is 1. `--table` only prints what the last run found.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

from tests.install_parts import ROOT

FOLDER = ROOT / "mutants"
MUTMUT = Path(sys.executable).with_name("mutmut")
NOTICED = {1: "noticed", 3: "noticed", 36: "noticed", 24: "noticed", 152: "noticed", -24: "noticed", 0: "survived", 33: "no test"}
"""mutmut's exit codes: a test failed, pytest broke, it ran into the time limit (a loop that never ends)."""
EQUIVALENT = {
    'unfinished = next((e.said for e in evidence if e.kind == "commit" and e.name == "unfinished"), None)': "it is only asked whether there is one",
}
"""The changed line, and why it says the same as before."""


def outcomes() -> dict[str, str]:
    """Each mutant and what became of it."""
    codes = {k: v for meta in sorted(FOLDER.rglob("*.meta")) for k, v in json.loads(meta.read_text(encoding="utf-8"))["exit_code_by_key"].items()}
    return {name: "not tried" if code is None else NOTICED.get(code, f"exit {code}") for name, code in codes.items()}


def changed_line(name: str) -> str:
    """The line as the mutant has it."""
    shown = subprocess.run([MUTMUT, "show", name], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return "\n".join(line[1:].strip() for line in shown.splitlines() if line.startswith("+") and not line.startswith("+++"))


def main() -> int:
    """Make the mutants anew, try each, print a row per file and a line per survivor."""
    asked = argparse.ArgumentParser(prog="python -m tests.mutants", description=(__doc__ or "").splitlines()[0])
    asked.add_argument("--table", action="store_true", help="run nothing: only print what the last run found")
    if not asked.parse_args().table:
        shutil.rmtree(FOLDER, ignore_errors=True)
        subprocess.run([MUTMUT, "run", "--max-children", "2"], cwd=ROOT, env=os.environ | {"CI": "1"}, check=True)
    found = outcomes()
    per = Counter((name.split(".")[2], word) for name, word in found.items())
    print("| rules | mutants | noticed | survived | not tried |\n|---|---|---|---|---|")
    for rules in (*sorted({r for r, _ in per}), None):
        words = Counter({w: n for (r, w), n in per.items() if r == rules}) if rules else Counter(found.values())
        rest = sum(n for w, n in words.items() if w not in ("noticed", "survived"))
        print(f"| {rules or 'all'} | {sum(words.values())} | {words['noticed']} | {words['survived']} | {rest} |")
    unknown = 0
    for name in (name for name, word in found.items() if word not in ("noticed", "not tried")):
        line = changed_line(name)
        unknown += line not in EQUIVALENT
        print(f"{found[name]}: {name}\n  {line}\n  {EQUIVALENT.get(line, 'nobody has said why')}")
    return 1 if unknown or "not tried" in found.values() else 0


if __name__ == "__main__":
    raise SystemExit(main())
