"""How does one begin a recipe? With a small one that works: goal, parameters, load, work, accept, and the check that proves it.

Promise: both files appear whole and only where nothing of that name is; what they do from the start is real (count the lines of a file) and is proved.
"""

import json
import re
from pathlib import Path
from typing import Any

from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean
from jarvis_lib.report.publish import put

FOLDER = "notebooks/recipes"
_NAME = re.compile(r"[a-z][a-z0-9_]{1,40}")


def make(home: Path, name: str) -> tuple[str, str]:
    """The recipe `name` and its check, as paths below the workspace. Refuses a name that is none, and to write over anything."""
    if not _NAME.fullmatch(name):
        raise Refused(f"{clean(name)[:60]!r} is no name for a recipe: use small letters, digits and underscores, such as clean_orders.", code="usage")
    book, check = f"{FOLDER}/{name}.ipynb", f"{FOLDER}/checks/{name}.py"
    there = [path for path in (book, check) if (home / path).exists()]
    if there:
        raise Refused(f"{there[0]} is there already, so nothing was made; choose another name.")
    put(home / check, CHECK)
    put(home / book, json.dumps(notebook(name, check), indent=1, ensure_ascii=False) + "\n")
    return book, check


def notebook(name: str, check: str) -> dict[str, Any]:
    """The template's notebook."""
    title = name.replace("_", " ").capitalize()
    cells = [
        _said("goal", GOAL.replace("{title}", title)),
        _code("parameters", "\n".join(PARAMETERS).replace("{name}", name), tags=["parameters"]),
        _said("load-title", "## Load"),
        _code("load", 'from pathlib import Path\n\ntext = Path(source).read_text(encoding="utf-8")\nprint(f"{len(text):,} characters")'),
        _said("work-title", "## Work"),
        _code("work", 'counted = {"lines": len(text.splitlines()), "words": len(text.split())}\nprint(counted)'),
        _said("accept-title", "## Accept\n\nWhat must hold, and what was done. The proof is the check, which runs afterwards and shares no code with this."),
        _code("accept", ACCEPT, tags=["accept"]),
    ]
    command = f"{{python}} {check} --source {{source}} --out {{out}}"
    card = {"changes": ["{out}"], "checks": [{"command": command, "name": "counted again"}], "fills": {}}
    kernel = {"kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}, "language_info": {"name": "python"}}
    return {"cells": cells, "metadata": {"jarvis": card} | kernel, "nbformat": 4, "nbformat_minor": 5}


def _said(name: str, text: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "id": name, "metadata": {}, "source": text.splitlines(keepends=True)}


def _code(name: str, text: str, tags: list[str] | None = None) -> dict[str, Any]:
    metadata = {"tags": tags} if tags else {}
    return {"cell_type": "code", "id": name, "metadata": metadata, "source": text.splitlines(keepends=True), "outputs": [], "execution_count": None}


GOAL = "# {title}\n\nHow many lines and words does this text have?\n\nAccepted when a second count agrees. It reads `source` and writes `out`, nothing else."
PARAMETERS = (
    "source: str = None  # text file of the workspace",
    'out: str = "reports/{name}.json"  # where the answer goes',
    'run_id: str = "by hand"  # filled by Jarvis: the attempt',
)
ACCEPT = """\
import json

import jarvis_lib as jarvis

Path(out).parent.mkdir(parents=True, exist_ok=True)
Path(out).write_text(json.dumps(counted | {"run_id": run_id}) + "\\n", encoding="utf-8")
assert json.loads(Path(out).read_text(encoding="utf-8"))["lines"] == counted["lines"]
jarvis.result(f"{counted['lines']:,} lines and {counted['words']:,} words", [out], counted)"""
CHECK = '''"""Does the answer hold? Counts again, in another way. Exit 0 with the counts, or 1 with what differs."""

import argparse
import json
import re
import sys
from pathlib import Path


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", required=True)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    if not Path(args.out).is_file():
        print(f"{args.out} is not there")
        return 1
    told = json.loads(Path(args.out).read_text(encoding="utf-8"))
    with open(args.source, encoding="utf-8") as stream:
        lines = sum(1 for _ in stream)
    words = len(re.findall(r"\\S+", Path(args.source).read_text(encoding="utf-8")))
    if (told["lines"], told["words"]) != (lines, words):
        print(f"{told['lines']} lines and {told['words']} words were told, and there are {lines} and {words}")
        return 1
    print(f"{lines:,} lines and {words:,} words, counted again")
    return 0


if __name__ == "__main__":
    sys.exit(main())
'''
