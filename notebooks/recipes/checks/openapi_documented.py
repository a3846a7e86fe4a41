"""Does every path, method, parameter, response code and schema of the OpenAPI file stand in the reference?

Reads both files on its own, sharing no code with what wrote the reference. Exit 0 with the counts, or 1 with what is missing.
"""

import argparse
import html
import json
import re
import sys
from pathlib import Path
from typing import Any

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--openapi", required=True)
    parser.add_argument("--reference", required=True)
    args = parser.parse_args()
    if not Path(args.reference).is_file():
        print(f"{args.reference} is not there")
        return 1
    spec = _load(Path(args.openapi))
    missing, seen = compare(spec, sections(Path(args.reference).read_text(encoding="utf-8")))
    if missing:
        print(f"{len(missing)} missing: " + "; ".join(missing[:5]))
        return 1
    if not seen["methods"]:
        print("the OpenAPI file has no method, so nothing was compared")
        return 1
    print("all of " + ", ".join(f"{count} {what}" for what, count in seen.items()) + " stand in the reference")
    return 0


def _load(path: Path) -> Any:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".json":
        return json.loads(text)
    import yaml

    return yaml.safe_load(text)


def sections(text: str) -> dict[str, str]:
    """Each third-level heading (its code span, plain) with the text below it up to the next heading."""
    found: dict[str, str] = {}
    for part in re.split(r"(?m)^#{2,3} ", text)[1:]:
        head, _, body = part.partition("\n")
        spans = codes(head)
        found[spans[0] if spans else head] = body
    return found


def codes(text: str) -> list[str]:
    """The code spans of a text, as plain words."""
    return [html.unescape(a or b).replace("\\|", "|").strip() for a, b in re.findall(r"``\s(.+?)\s``|(?<!`)`([^`]+)`(?!`)", text)]


def compare(spec: Any, written: dict[str, str]) -> tuple[list[str], dict[str, int]]:
    """(what is missing, how much there was to find)."""
    missing: list[str] = []
    seen = {"paths": 0, "methods": 0, "parameters": 0, "responses": 0, "schemas": 0}
    for path, raw_item in spec["paths"].items():
        item = _follow(spec, raw_item)
        seen["paths"] += 1
        for method in METHODS:
            if not isinstance(item.get(method), dict):
                continue
            seen["methods"] += 1
            name = _plain(f"{method.upper()} {path}")
            if name not in written:
                missing.append(f"{name} has no section")
                continue
            _call(spec, item, item[method], name, written[name], missing, seen)
    _schemas(spec, written, missing, seen)
    return missing, seen


def _call(spec: Any, item: Any, call: Any, name: str, text: str, missing: list[str], seen: dict[str, int]) -> None:
    rows = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in text.splitlines() if line.startswith("|")]
    named = {(codes(row[0])[0], row[1]) for row in rows if len(row) == 5 and codes(row[0])}
    answers = {codes(row[0])[0] for row in rows if len(row) == 4 and codes(row[0])}
    wanted = {(_plain(p["name"]), str(p.get("in", ""))) for p in (_follow(spec, r) for r in [*(item.get("parameters") or []), *(call.get("parameters") or [])])}
    codes_wanted = {str(code) for code in call.get("responses") or {}}
    seen["parameters"] += len(wanted)
    seen["responses"] += len(codes_wanted)
    missing += [f"{name}: parameter {p!r} in {where}" for p, where in sorted(wanted - named)]
    missing += [f"{name}: response {code}" for code in sorted(codes_wanted - answers)]
    body = _follow(spec, call.get("requestBody") or {})
    missing += [f"{name}: body {kind}" for kind in body.get("content") or {} if kind not in codes(text)]


def _schemas(spec: Any, written: dict[str, str], missing: list[str], seen: dict[str, int]) -> None:
    schemas = spec.get("definitions") or (spec.get("components") or {}).get("schemas") or {}
    for name, schema in schemas.items():
        seen["schemas"] += 1
        text = written.get(_plain(name))
        if text is None:
            missing.append(f"schema {name} has no section")
            continue
        there = set(codes(text))
        missing += [f"schema {name}: {part}" for part in (schema.get("properties") or {}) if _plain(part) not in there]


def _follow(spec: Any, node: Any) -> Any:
    for _ in range(20):
        if not isinstance(node, dict) or not str(node.get("$ref", "")).startswith("#/"):
            break
        target = spec
        for part in node["$ref"][2:].split("/"):
            target = target[part.replace("~1", "/").replace("~0", "~")]
        node = target
    return node


def _plain(word: object) -> str:
    return " ".join(str(word).split())


if __name__ == "__main__":
    sys.exit(main())
