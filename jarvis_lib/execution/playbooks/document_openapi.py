"""What does this REST API offer? Any OpenAPI 2 or 3 file (JSON or YAML) as a Markdown reference, grouped by tag.

Promise: every path, method, parameter, body, response and schema of the file stands in the text. References inside the
file are followed, others are named as they stand; nothing is fetched.
"""

import html
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean, plural

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_DEPTH = 4  # how deep nested bodies are spelled out; named schemas have their own section


@dataclass(frozen=True, slots=True)
class Call:
    """One method of one path, with the path's shared parameters merged in."""

    path: str
    method: str
    tag: str
    body: dict[str, Any]
    parameters: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Spec:
    """The file as read: `raw` is its tree, `version` 2 or 3."""

    raw: dict[str, Any]
    version: int
    source: str

    @property
    def schemas(self) -> dict[str, Any]:
        """The named schemas: `definitions` in version 2, `components.schemas` in version 3."""
        found = self.raw.get("definitions") if self.version == 2 else _dict(self.raw.get("components")).get("schemas")
        return _dict(found)

    def follow(self, node: Any) -> dict[str, Any]:
        """`node`, or what its `$ref` inside this file leads to; a reference that leads nowhere stays as it is."""
        for _ in range(20):
            if not isinstance(node, dict) or "$ref" not in node:
                break
            target = self._target(str(node["$ref"]))
            if target is None:
                break
            node = target
        return _dict(node)

    def _target(self, ref: str) -> Any:
        if not ref.startswith("#/"):
            return None
        node: Any = self.raw
        for part in ref[2:].split("/"):
            part = part.replace("~1", "/").replace("~0", "~")
            node = node.get(part) if isinstance(node, dict) else None
        return node


def read_spec(path: Path) -> Spec:
    """The OpenAPI file at `path`. Refuses what is missing, not readable, or no OpenAPI 2 or 3."""
    if not path.is_file():
        raise Refused(f"The OpenAPI file {path} does not exist; set [sources] openapi in jarvis.toml or give its path.", code="missing")
    raw = _tree(path)
    if not isinstance(raw, dict) or not isinstance(raw.get("paths"), dict):
        raise Refused(f"{path} has no `paths`, so it is no OpenAPI file.", code="usage")
    version = str(raw.get("swagger") or raw.get("openapi") or "")
    if version[:1] not in ("2", "3"):
        raise Refused(f"{path} says version {version or 'nothing'}; OpenAPI 2 and 3 can be documented.", code="usage")
    return Spec(raw, int(version[0]), path.name)


def _tree(path: Path) -> Any:
    import yaml

    text = path.read_text(encoding="utf-8")
    try:
        return _plain(json.loads(text) if path.suffix == ".json" else yaml.safe_load(text))
    except (ValueError, yaml.YAMLError) as error:
        raise Refused(f"{path} cannot be read: {' '.join(str(error).split())[:200]}.", code="usage") from error


def _plain(node: Any) -> Any:
    """Keys as text: YAML reads the response code 200 as a number."""
    if isinstance(node, dict):
        return {str(k): _plain(v) for k, v in node.items()}
    return [_plain(v) for v in node] if isinstance(node, list) else node


def _dict(node: Any) -> dict[str, Any]:
    return node if isinstance(node, dict) else {}


def calls(spec: Spec) -> list[Call]:
    """Every method of every path, in the order of the file."""
    found = []
    for path, item in spec.raw["paths"].items():
        item = spec.follow(item)
        for method in METHODS:
            if isinstance(item.get(method), dict):
                own = item[method]
                tags = own.get("tags") or ["other"]
                found.append(Call(path, method, str(tags[0]), own, _parameters(spec, item, own)))
    return found


def _parameters(spec: Spec, item: dict[str, Any], own: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    """The path's shared parameters, replaced by the method's own of the same name and place."""
    merged: dict[tuple[str, str], dict[str, Any]] = {}
    for raw in [*(item.get("parameters") or []), *(own.get("parameters") or [])]:
        one = spec.follow(raw)
        merged[str(one.get("name", raw.get("$ref", "?"))), str(one.get("in", ""))] = one
    return tuple(merged.values())


def markdown(spec: Spec) -> str:
    """The whole reference."""
    every = calls(spec)
    return "\n".join([*_head(spec, every), *_by_tag(spec, every), *_schemas(spec)]).rstrip() + "\n"


def counts(spec: Spec) -> dict[str, int]:
    """How many paths, methods, parameters, responses and schemas the reference describes."""
    every = calls(spec)
    return {
        "paths": len(spec.raw["paths"]),
        "methods": len(every),
        "parameters": sum(len(c.parameters) for c in every),
        "responses": sum(len(_dict(c.body.get("responses"))) for c in every),
        "schemas": len(spec.schemas),
    }


def _head(spec: Spec, every: list[Call]) -> Iterator[str]:
    info = _dict(spec.raw.get("info"))
    yield f"# {_text(info.get('title', 'REST API'))}"
    yield ""
    if info.get("description"):
        yield from [_block(info["description"]), ""]
    size = f"{plural(len(every), 'method')} of {plural(len(spec.raw['paths']), 'path')}"
    yield f"Version {_text(info.get('version', 'unknown'))}, written from `{spec.source}` (OpenAPI {spec.version}): {size}."
    yield ""
    servers = _servers(spec)
    if servers:
        yield from ["Base: " + ", ".join(f"`{s}`" for s in servers), ""]
    yield from ["| Method | Path | What it does |", "|---|---|---|"]
    for call in every:
        yield f"| {call.method.upper()} | {_code(call.path)} | {_cell(call.body.get('summary', ''))} |"
    yield ""


def _servers(spec: Spec) -> list[str]:
    if spec.version == 3:
        return [str(_dict(s).get("url", "")) for s in spec.raw.get("servers") or []]
    host, base = str(spec.raw.get("host", "")), str(spec.raw.get("basePath", ""))
    return [host + base] if host or base else []


def _by_tag(spec: Spec, every: list[Call]) -> Iterator[str]:
    said = {str(_dict(t).get("name")): _dict(t).get("description") for t in spec.raw.get("tags") or []}
    for tag in dict.fromkeys(c.tag for c in every):
        yield from [f"## {_text(tag)}", ""]
        if said.get(tag):
            yield from [_block(said[tag]), ""]
        for call in every:
            if call.tag == tag:
                yield from _call(spec, call)


def _call(spec: Spec, call: Call) -> Iterator[str]:
    yield from [f"### {_code(call.method.upper() + ' ' + call.path)}", ""]
    deprecated = "**Deprecated.** " if call.body.get("deprecated") else ""
    for text in (call.body.get("summary"), call.body.get("description")):
        if text:
            yield from [deprecated + _block(text), ""]
            deprecated = ""
    yield from _parameter_table(spec, call)
    yield from _request_body(spec, call)
    yield from _responses(spec, call)


def _parameter_table(spec: Spec, call: Call) -> Iterator[str]:
    if not call.parameters:
        return
    yield from ["Parameters", "", "| Name | In | Type | Required | Meaning |", "|---|---|---|---|---|"]
    for one in call.parameters:
        kind = _type(spec, one.get("schema") if "schema" in one else _first_content(one) or one)
        required = "yes" if one.get("required") else "no"
        name, place = str(one.get("name", one.get("$ref", "?"))), str(one.get("in", ""))
        yield f"| {_code(name)} | {_cell(place)} | {_cell(kind)} | {required} | {_cell(_meaning(spec, one))} |"
    yield ""
    for one in call.parameters:
        if one.get("in") == "body":
            yield from [f"Body {_code(str(one.get('name', 'body')))}:", "", *_tree_of(spec, one.get("schema")), ""]


def _first_content(one: dict[str, Any]) -> Any:
    return next((_dict(c).get("schema") for c in _dict(one.get("content")).values()), None)


def _meaning(spec: Spec, one: dict[str, Any]) -> str:
    schema = spec.follow(one.get("schema")) or one
    parts = [str(one.get("description") or "")]
    if schema.get("enum"):
        parts.append("One of " + ", ".join(str(v) for v in schema["enum"]) + ".")
    if "default" in schema:
        parts.append(f"Default {schema['default']}.")
    return " ".join(p for p in parts if p)


def _request_body(spec: Spec, call: Call) -> Iterator[str]:
    body = spec.follow(call.body.get("requestBody"))
    for kind, content in _dict(body.get("content")).items():
        needed = ", required" if body.get("required") else ""
        said = f"Body ({_code(kind)}{needed}): {_text(body.get('description', ''))}".rstrip()
        yield from [said, "", *_tree_of(spec, _dict(content).get("schema")), ""]


def _responses(spec: Spec, call: Call) -> Iterator[str]:
    answers = _dict(call.body.get("responses"))
    if not answers:
        return
    yield from ["Responses", "", "| Code | Meaning | Content | Headers |", "|---|---|---|---|"]
    shown = []
    for code, raw in answers.items():
        answer = spec.follow(raw)
        schemas = _answer_schemas(answer)
        kinds = ", ".join(dict.fromkeys(_type(spec, s) for s in schemas)) or "none"
        headers = ", ".join(_dict(answer.get("headers"))) or "none"
        yield f"| {_code(code)} | {_cell(answer.get('description') or answer.get('$ref', ''))} | {_cell(kinds)} | {_cell(headers)} |"
        shown += [(code, s) for s in schemas if _dict(s).get("properties") or _dict(_dict(s).get("items")).get("properties")]
    yield ""
    for code, schema in shown:
        yield from [f"Content of {_code(code)}:", "", *_tree_of(spec, schema), ""]


def _answer_schemas(answer: dict[str, Any]) -> list[Any]:
    if "schema" in answer:
        return [answer["schema"]]
    return [_dict(c)["schema"] for c in _dict(answer.get("content")).values() if _dict(c).get("schema")]


def _schemas(spec: Spec) -> Iterator[str]:
    if not spec.schemas:
        return
    yield from ["## Schemas", ""]
    for name, schema in spec.schemas.items():
        yield from [f"### {_code(name)}", ""]
        if _dict(schema).get("description"):
            yield from [_block(schema["description"]), ""]
        yield from [*_tree_of(spec, schema), ""]


def _tree_of(spec: Spec, schema: Any, depth: int = 0) -> Iterator[str]:
    """A schema as a nested list; a reference to a named schema is named and not spelled out again."""
    own = _dict(schema)
    if depth == 0 and not own.get("properties"):
        yield f"- {_text(_type(spec, own))}"
    required = own["required"] if isinstance(own.get("required"), list) else []
    for name, part in _dict(own.get("properties")).items():
        needed = ", required" if name in required else ""
        said = _text(_meaning(spec, _dict(part)))
        yield f"{'  ' * depth}- {_code(name)} ({_text(_type(spec, part))}{needed}){': ' + said if said else ''}"
        if depth < _DEPTH:
            yield from _tree_of(spec, part, depth + 1)
    combined = [s for word in ("allOf", "oneOf", "anyOf") for s in own.get(word) or []]
    for inner in (own.get("items"), own.get("additionalProperties"), *combined):
        if depth < _DEPTH and _dict(inner).get("properties"):
            yield from _tree_of(spec, inner, depth + 1)


def _type(spec: Spec, schema: Any) -> str:
    """A schema's type in a few words."""
    own = _dict(schema)
    if "$ref" in own:
        return str(own["$ref"]).rsplit("/", 1)[-1]
    for word, joint in (("allOf", " and "), ("oneOf", " or "), ("anyOf", " or ")):
        if own.get(word):
            return joint.join(_type(spec, s) for s in own[word])
    if own.get("type") == "array" or "items" in own:
        return f"list of {_type(spec, own.get('items'))}"
    kind = own.get("type") or ("object" if own.get("properties") else "any")
    named = " or ".join(str(k) for k in kind) if isinstance(kind, list) else str(kind)
    return f"{named} ({own['format']})" if own.get("format") else named


def _text(value: Any) -> str:
    """Foreign text on one line, harmless as Markdown and as HTML."""
    return html.escape(clean(str(value)), quote=False)


def _cell(value: Any) -> str:
    return _text(value).replace("|", "\\|")


def _block(value: Any) -> str:
    """Foreign text of several lines; its headings would break the order of ours and become plain lines."""
    lines = html.escape(clean(str(value), keep_lines=True), quote=False).splitlines()
    return "\n".join(line.lstrip("# ") if line.lstrip().startswith("#") else line for line in lines)


def _code(word: str) -> str:
    """`word` as a code span that stands in a table cell, whatever characters it has."""
    tidy = clean(word).replace("|", "\\|")
    return f"`` {tidy} ``" if "`" in tidy else f"`{tidy}`"


def save(spec: Spec, out: Path) -> Path:
    """The reference written to `out` (folders made, replaced in one step)."""
    out.parent.mkdir(parents=True, exist_ok=True)
    half = out.with_name(out.name + ".half")
    half.write_text(markdown(spec), encoding="utf-8")
    half.replace(out)
    return out
