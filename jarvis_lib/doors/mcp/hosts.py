"""How does a host (Claude Code, Codex, OpenClaw) learn of this workspace? One entry in its own configuration, shown before it is written.

Promise: nothing but the entry `jarvis` changes, which is proved by reading the new text; what cannot be changed so is refused with the lines to add by
hand. The old file is kept beside it, the new one is whole or not there, and a file that changed meanwhile is left alone.
"""

import difflib
import json
import os
import re
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean, hint
from jarvis_lib.store.whole import write_whole

HOSTS = ("claude-code", "codex", "openclaw")
NAME = "jarvis"
_AGENT = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")
_SECRET = re.compile(r"(?i)(key|token|secret|password|authorization|credential|bearer)")
_HEADER = re.compile(r"^\s*\[+\s*([^\]]+?)\s*\]+\s*(#.*)?$")
_OURS = re.compile(r'mcp_servers\s*\.\s*(jarvis|"jarvis"|\'jarvis\')(\s*\..*)?')
_NEXT = {
    "claude-code": "Look: claude mcp list",
    "codex": "Look: codex mcp list",
    "openclaw": "Look: openclaw mcp doctor jarvis --probe",
}


@dataclass(frozen=True, slots=True)
class Change:
    """A host's configuration file as it is (None: not there) and as it would be."""

    path: Path
    before: str | None
    after: str
    next: str

    @property
    def diff(self) -> list[str]:
        """The lines that differ, with little around them, since the file may hold secrets; empty when nothing does."""
        old, new = (self.before or "").splitlines(), self.after.splitlines()
        return [_shown(line) for line in difflib.unified_diff(old, new, str(self.path), str(self.path), lineterm="", n=1)]


def _shown(line: str) -> str:
    """A line of the difference; one that may hold a secret is not printed."""
    if _SECRET.search(line) and NAME not in line:
        return f"{line[:1]} … (a line that may hold a secret)"
    text = line[1:].lstrip()
    return line[: len(line) - len(text)] + clean(text)


def agent_name(word: str) -> str:
    """The name under which an agent's proposals are signed."""
    if not _AGENT.fullmatch(word):
        raise Refused(f"{clean(word)[:40]!r} is no name of an agent; use up to 40 small letters, digits and dashes, such as claude-code.", code="usage")
    return word


def command(home: Path, host: str) -> list[str]:
    """What the host starts: this very program, by its whole path, since a host gives its children next to no environment."""
    script = Path(sys.executable).with_name("jarvis")
    program = [str(script)] if script.is_file() else [sys.executable, "-c", "from jarvis_lib.cli.entry import main; main()"]
    return [*program, "--home", str(home), "mcp", "serve", "--agent", host]


def config_path(host: str, env: Mapping[str, str]) -> Path:
    """Where the host keeps its configuration; a link leads to the file itself."""
    home = Path(env.get("HOME") or Path.home())
    if host == "claude-code":
        path = Path(env["CLAUDE_CONFIG_DIR"]) / ".claude.json" if env.get("CLAUDE_CONFIG_DIR") else home / ".claude.json"
    elif host == "codex":
        path = Path(env.get("CODEX_HOME") or home / ".codex") / "config.toml"
    else:
        path = Path(env.get("OPENCLAW_CONFIG_PATH") or Path(env.get("OPENCLAW_STATE_DIR") or home / ".openclaw") / "openclaw.json")
    return Path(os.path.realpath(path.expanduser()))


def installed(host: str, home: Path, *, env: Mapping[str, str]) -> Change:
    """The host's configuration with the entry of this workspace. Raises Refused for a file that cannot be changed safely."""
    argv = command(home, _known(host))
    if host == "codex":
        return _toml(host, env, argv)
    entry: dict[str, Any] = {"command": argv[0], "args": argv[1:]}
    return _json(host, env, {"type": "stdio"} | entry if host == "claude-code" else entry)


def removed(host: str, *, env: Mapping[str, str]) -> Change:
    """The host's configuration without the entry."""
    return _toml(host, env, None) if _known(host) == "codex" else _json(host, env, None)


def _known(host: str) -> str:
    if host not in HOSTS:
        raise Refused(f"There is no host {clean(host)[:40]!r}.{hint(host, HOSTS)} Hosts: {', '.join(HOSTS)}.", code="usage")
    return host


def _read(path: Path) -> str | None:
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{path} cannot be read ({error}); nothing was changed.", code="failed") from error


# --- JSON ----------------------------------------------------------------------------------------------------------------


def _json(host: str, env: Mapping[str, str], entry: dict[str, Any] | None) -> Change:
    path = config_path(host, env)
    before = _read(path)
    where = ("mcp", "servers") if host == "openclaw" else ("mcpServers",)
    if before is None and entry is None:
        return Change(path, None, "", _NEXT[host])
    by_hand = f"add it by hand below {'.'.join(where)}: {json.dumps({NAME: entry}, ensure_ascii=False)}" if entry else f"take {NAME} out of it by hand"
    try:
        config = json.loads(before, object_pairs_hook=_unique) if before and before.strip() else {}
    except ValueError as error:
        raise Refused(f"{path} is not plain JSON ({error}), so it is left alone; {by_hand}", code="failed") from error
    level: Any = config
    for name in where:
        level = level.setdefault(name, {}) if isinstance(level, dict) else None
    if not isinstance(level, dict):
        raise Refused(f"{'.'.join(where)} in {path} is not an object, so it is left alone; {by_hand}", code="failed")
    same = level.get(NAME) == entry
    if entry is None:
        level.pop(NAME, None)
        _prune(config, where)
    else:
        level[NAME] = entry
    indent = _indent(before)
    dense = (",", ":") if indent is None and '": ' not in (before or "") else None
    text = before if same and before is not None else json.dumps(config, ensure_ascii=False, indent=indent, separators=dense) + _tail(before)
    return Change(path, before, text, _NEXT[host])


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({k for k, _ in pairs}) != len(pairs):
        raise ValueError("a name stands in it twice")
    return dict(pairs)


def _prune(config: dict[str, Any], where: tuple[str, ...]) -> None:
    """What holds nothing any more may have been made by us, so it goes too."""
    for depth in range(len(where), 0, -1):
        level = config
        for name in where[: depth - 1]:
            level = level[name]
        if level.get(where[depth - 1]) == {}:
            del level[where[depth - 1]]


def _indent(text: str | None) -> int | str | None:
    """How the file is indented, so that the rest of it stays as it is."""
    found = re.search(r"^([ \t]+)\S", text or "", re.MULTILINE)
    if text and text.strip() and found is None:
        return None if "\n" not in text.strip() and text.strip() != "{}" else 2
    return (found.group(1) if found.group(1).startswith("\t") else len(found.group(1))) if found else 2


def _tail(text: str | None) -> str:
    return "\n" if text is None or text.endswith("\n") or not text.strip() else ""


# --- TOML ----------------------------------------------------------------------------------------------------------------


def _toml(host: str, env: Mapping[str, str], argv: list[str] | None) -> Change:
    path = config_path(host, env)
    before = _read(path)
    if before is None and argv is None:
        return Change(path, None, "", _NEXT[host])
    block = _block(argv) if argv else ""
    expected = _parsed(before or "", path, block)
    servers = expected.get("mcp_servers", {})
    if isinstance(servers, dict):
        if (_parsed(block, path, block)["mcp_servers"][NAME] if argv else None) == servers.get(NAME):
            return Change(path, before, before or "", _NEXT[host])
        servers.pop(NAME, None)
    rest = _without(before or "")
    gap = "" if not rest else "\n" if rest.endswith("\n") else "\n\n"
    after = f"{rest}{gap}{block}" if argv else rest
    if argv:
        expected.setdefault("mcp_servers", {})[NAME] = _parsed(block, path, block)["mcp_servers"][NAME]
    elif servers == {}:
        expected.pop("mcp_servers", None)
    if not _means(after, expected):
        by_hand = f"add by hand:\n{block}" if argv else f"take [mcp_servers.{NAME}] out of it by hand"
        raise Refused(f"{path} is written in a way in which more than the entry would change, so it is left alone; {by_hand}", code="failed")
    return Change(path, before, after, _NEXT[host])


def _means(text: str, expected: dict[str, Any]) -> bool:
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    if found.get("mcp_servers") == {}:
        del found["mcp_servers"]
    return found == expected


def _block(argv: list[str]) -> str:
    quoted = ", ".join(json.dumps(word, ensure_ascii=False) for word in argv[1:])
    return f"[mcp_servers.{NAME}]\ncommand = {json.dumps(argv[0], ensure_ascii=False)}\nargs = [{quoted}]\n"


def _parsed(text: str, path: Path, block: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        more = f" Once it is right, add:\n{block}" if block else ""
        raise Refused(f"{path} is not right TOML ({error}), so it is left alone.{more}", code="failed") from error


def _without(text: str) -> str:
    """The text without our table and the blank line that was put before it; every other byte stays."""
    kept: list[str] = []
    ours = False
    for line in text.splitlines(keepends=True):
        header = _HEADER.match(line)
        if header:
            was, ours = ours, bool(_OURS.fullmatch(header.group(1)))
            if ours and not was and kept and not kept[-1].strip():
                kept.pop()
            if was and not ours and kept and kept[-1].strip():
                kept.append("\n")
        if not ours:
            kept.append(line)
    return "".join(kept)


# --- writing -------------------------------------------------------------------------------------------------------------


def write(change: Change, *, now: datetime) -> Path | None:
    """Write the change, whole or not at all; the path of the copy of what was there. Raises Refused when the file has changed since it was read."""
    if _read(change.path) != change.before:
        raise Refused(f"{change.path} has changed in the meantime, so it was left alone; try again.")
    backup = change.path.with_name(f"{change.path.name}.before-jarvis-{now:%Y%m%dT%H%M%S}") if change.before is not None else None
    try:
        change.path.parent.mkdir(parents=True, exist_ok=True)
        mode = change.path.stat().st_mode & 0o777 if change.before is not None else 0o600
        if backup is not None:
            write_whole(backup, (change.before or "").encode(), mode=mode)
        write_whole(change.path, change.after.encode(), mode=mode)
    except OSError as error:
        raise Refused(f"{change.path} cannot be written ({error.strerror}); it is as it was.", code="failed") from error
    return backup
