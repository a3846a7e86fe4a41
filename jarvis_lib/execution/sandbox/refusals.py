"""What did the sandbox refuse? Read from what a command printed when it failed, in one sentence each; no accusation without words of its own."""

import re

from jarvis_lib.model.prose import clean, shorten

MOST = 3
_KINDS = (
    ("writing", re.compile(r"(?i)read-only file system"), "it tried to write where it may not"),
    ("network", re.compile(r"(?i)network is unreachable|temporary failure in name resolution|could not resolve host|name or service not known"), "the network"),
    ("permission", re.compile(r"(?i)operation not permitted|\bEPERM\b"), "something that the sandbox does not permit"),
)
_PATH = re.compile(r"""['"‘`]([^'"’`\n]{1,200})['"’`]|(?<![\w./-])(/[^\s:'",]{1,200})""")
_HOST = re.compile(r"(?i)resolve host:? ([\w.-]+)|host=['\"]?([\w.-]+)|https?://([\w.-]+)|unable to access '([^']+)'")


def refused(output: str, exit_code: int | None) -> list[str]:
    """One sentence for each refusal that the output of a failed command tells; nothing for a command that ended well."""
    if exit_code == 0:
        return []
    found: dict[str, None] = {}
    for line in clean(output, keep_lines=True).splitlines():
        for kind, pattern, what in _KINDS:
            if pattern.search(line):
                found[_said(kind, what, line)] = None
    return list(found)[:MOST]


def _said(kind: str, what: str, line: str) -> str:
    if kind == "network":
        host = _HOST.search(line)
        name = next((g for g in host.groups() if g), "") if host else ""
        return f"the network{f' ({clean(name)[:80]})' if name else ''}, which it was not granted"
    path = _PATH.search(line)
    named = next((g for g in path.groups() if g), "") if path else ""
    return f"{what}: {clean(named)[:120]}" if named else f"{what}: {shorten(clean(line), 120)}"
