"""Does this page work without a network, and does it show something? Exit 0 and what was looked at, or 1 and what is wrong.

Looked at: the file is well-formed enough to be read to its end; nothing in it names another address to load (attributes, styles,
scripts, chart data); its content security policy forbids all loading; and it has enough charts, each with rows.
"""

import argparse
import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

LOADING = {"src", "srcset", "poster", "data", "action", "formaction", "background", "manifest", "ping", "xlink:href"}
SELF = re.compile(r"\s*(#|data:|about:blank|$)", re.IGNORECASE)
STYLE = re.compile(r"url\(\s*['\"]?(?!\s*(?:data:|#))[^)]+\)|@import[^;]+", re.IGNORECASE)
SCRIPT = re.compile(
    r"""(?:\bfetch|\bimport|\bimportScripts|\bnew\s+(?:WebSocket|EventSource|Worker)|\.open)\s*\(\s*["'`][^"'`]*//[^"'`]*["'`]"""
    r"""|\bimport\s[^;()]{0,200}?from\s*["'`][^"'`]+["'`]|\.(?:src|href)\s*=\s*["'`](?:https?:)?//[^"'`]*["'`]"""
)
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}

OPTIONAL = {"p", "li", "dt", "dd", "td", "th", "tr", "thead", "tbody", "option", "body", "head", "html"}


class Page(HTMLParser):
    """Collects what loads, the policy, the scripts and what is not closed."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.loads: list[str] = []
        self.policy = ""
        self.specs: list[str] = []
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.kind = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        own = {name: value or "" for name, value in attrs}
        for name, value in own.items():
            loads = name in LOADING or (name == "href" and tag in ("link", "base", "use", "image"))
            if loads and not SELF.match(value):
                self.loads.append(f'<{tag} {name}="{value[:80]}">')
            self.loads += [f"style {m}" for m in STYLE.findall(value)] if name == "style" else []
        if tag == "meta" and own.get("http-equiv", "").lower() == "content-security-policy":
            self.policy = own.get("content", "")
        if tag == "meta" and own.get("http-equiv", "").lower() == "refresh":
            self.loads.append("<meta http-equiv=refresh>")
        if tag == "script":
            self.kind = own.get("type", "javascript")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.open:
            while (last := self.open.pop()) != tag:
                self.wrong += [] if last in OPTIONAL else [f"<{last}> is never closed"]
        elif tag not in VOID:
            self.wrong.append(f"</{tag}> closes nothing")

    def handle_data(self, data: str) -> None:
        inside = self.open[-1] if self.open else ""
        if inside == "style":
            self.loads += [f"style {m[:80]}" for m in STYLE.findall(data)]
        elif inside == "script" and self.kind.startswith("application/json"):
            self.specs.append(data)
        elif inside == "script":
            self.loads += [f"script {m.group(0)[:80]}" for m in SCRIPT.finditer(data)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--page", required=True)
    parser.add_argument("--charts", type=int, default=3, help="least number of charts with data")
    args = parser.parse_args()
    path = Path(args.page)
    if not path.is_file():
        print(f"{path} is not there")
        return 1
    wrong, rows = problems(path.read_text(encoding="utf-8"), args.charts)
    if wrong:
        print("; ".join(wrong[:5]))
        return 1
    print(f"{path.name} has {len(rows)} charts with {min(rows):,} rows or more and loads nothing; its policy forbids it")
    return 0


def problems(text: str, least: int) -> tuple[list[str], list[int]]:
    """(what is wrong, rows of each chart)."""
    page = Page()
    page.feed(text)
    page.close()
    wrong = [f"it loads {found}" for found in page.loads] + page.wrong
    wrong += [f"<{tag}> is never closed" for tag in page.open if tag not in OPTIONAL]
    wrong += _policy(page.policy)
    rows: list[int] = []
    for text_of in page.specs:
        try:
            rows += charts(json.loads(text_of), wrong)
        except ValueError as error:
            wrong.append(f"the data of a chart cannot be read: {error}")
    full = [r for r in rows if r]
    if len(full) < least:
        wrong.append(f"{len(full)} charts with data, {least} are wanted")
    return wrong, full


def _policy(policy: str) -> list[str]:
    words = dict(part.split(None, 1) if " " in part.strip() else (part, "") for part in (p.strip() for p in policy.split(";")) if part)
    if words.get("default-src") != "'none'":
        return ["its content security policy does not begin with default-src 'none'"]
    return [f"its policy lets {name} load from {value}" for name, value in words.items() if re.search(r"\*|//|\bhttps?:|\w\.\w", value.replace("nonce-", ""))]


def charts(node: Any, wrong: list[str], sets: dict[str, Any] | None = None, rows: int = 0) -> list[int]:
    """The rows of every chart (a part with a mark) in a Vega-Lite tree; data may stand in a part above, by name."""
    found: list[int] = []
    if isinstance(node, list):
        for part in node:
            found += charts(part, wrong, sets, rows)
    if not isinstance(node, dict):
        return found
    sets = {**(sets or {}), **(node.get("datasets") or {})}
    data = node.get("data")
    if isinstance(data, dict):
        if "url" in data:
            wrong.append(f"a chart loads its data from {str(data['url'])[:80]}")
        values = data["values"] if "values" in data else sets.get(data.get("name", ""), [])
        rows = len(values) if isinstance(values, list) else 0
    if "mark" in node:
        found.append(rows)
    for key, part in node.items():
        if key in ("layer", "concat", "hconcat", "vconcat", "spec"):
            found += charts(part, wrong, sets, rows)
    return found


if __name__ == "__main__":
    sys.exit(main())
