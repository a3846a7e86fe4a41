"""Secrets that the person granted by name, and how none of them gets into a log: where are they, and what must not be shown?

A worker reads them itself by their names; they stand in no spec, no argv, no journal. What is masked is known exactly (the granted values, also
as base64, URL-encoded, in hexadecimal and as JSON, HTML and the shell write them) or by the form that well-known services give their keys.
A program that wants to tell a secret can always write it in a way that nobody expects: what it must not know is not granted to it.
"""

import base64
import html
import json
import os
import re
import shlex
import stat
import urllib.parse
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from jarvis_lib.model.extras import install_line
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean, listed

Raw = bytes  # a class below has a method of that name
MASK = b"[masked]"
SERVICE = "jarvis"
_SHORTEST = 6
_LINE = 16
_WRAPS = (76, 64)
_LONGEST_FORM = 1 << 14
_FORMS = (
    ((b"AKIA", b"ASIA"), re.compile(rb"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b")),
    (
        (b"ecret_access_key", b"ECRET_ACCESS_KEY", b"ecretAccessKey"),
        re.compile(rb"(?i)\b(?:aws_)?secret_?access_?key[\s\"':=]{1,6}[A-Za-z0-9/+]{40}"),
    ),
    ((b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_"), re.compile(rb"\bgh[pousr]_[A-Za-z0-9]{36,255}\b")),
    ((b"github_pat_",), re.compile(rb"\bgithub_pat_[A-Za-z0-9_]{40,255}\b")),
    ((b"glpat-",), re.compile(rb"\bglpat-[A-Za-z0-9_-]{20,255}")),
    ((b"xoxa", b"xoxb", b"xoxe", b"xoxp", b"xoxr", b"xoxs", b"xapp-"), re.compile(rb"\b(?:xox[abeprs]|xapp)-[A-Za-z0-9-]{20,400}")),
    ((b"hooks.slack.com/",), re.compile(rb"(?<=hooks\.slack\.com/services/)[A-Za-z0-9/]{20,200}")),
    (
        (b"sk-",),
        re.compile(
            rb"\bsk-ant-[A-Za-z0-9_-]{20,400}|\bsk-(?:proj-|svcacct-|or-)?(?=[A-Za-z0-9_-]{0,400}[0-9])(?=[A-Za-z0-9_-]{0,400}[A-Z])[A-Za-z0-9_-]{32,400}"
        ),
    ),
    ((b"sk_live_", b"rk_live_", b"sk_test_", b"rk_test_"), re.compile(rb"\b[rs]k_(?:live|test)_[A-Za-z0-9]{20,255}\b")),
    ((b"whsec_",), re.compile(rb"\bwhsec_[A-Za-z0-9+/=]{24,255}")),
    ((b"AIza",), re.compile(rb"\bAIza[A-Za-z0-9_-]{35}")),
    ((b"ya29.",), re.compile(rb"\bya29\.[A-Za-z0-9_-]{30,2000}")),
    ((b"npm_",), re.compile(rb"\bnpm_[A-Za-z0-9]{36}\b")),
    ((b"pypi-",), re.compile(rb"\bpypi-[A-Za-z0-9_-]{50,400}")),
    ((b"hf_",), re.compile(rb"\bhf_[A-Za-z0-9]{34,255}\b")),
    ((b"dop_v1_", b"dckr_pat_"), re.compile(rb"\b(?:dop_v1_|dckr_pat_)[A-Za-z0-9_-]{20,255}")),
    ((b"SG.",), re.compile(rb"\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}")),
    ((b"AccountKey=",), re.compile(rb"(?<=AccountKey=)[A-Za-z0-9+/]{40,200}={0,2}")),
    ((b"eyJ",), re.compile(rb"\beyJ[A-Za-z0-9_-]{10,4000}\.eyJ[A-Za-z0-9_-]{10,4000}\.[A-Za-z0-9_-]{10,4000}")),
    (
        (b"uthorization", b"UTHORIZATION"),
        re.compile(rb"(?i)(?<=authorization)[\"']?\s{0,4}[:=]\s{0,4}[\"']?(?:bearer|basic|token)\s{1,4}[A-Za-z0-9._~+/=-]{12,4000}"),
    ),
    (
        (b"PRIVATE KEY",),
        re.compile(
            rb"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----"
            rb"(?:[\s\S]{0,12000}?-----END (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----|(?:[^A-Za-z0-9+/=]{0,40}[nr]?[A-Za-z0-9+/=]{16,200}){0,200})"
        ),
    ),
    ((b"://",), re.compile(rb"(?<=://)(?:[^\s/:@'\"]{0,80}:[^\s/@'\"]{3,200}|[A-Za-z0-9_-]{20,200})(?=@)")),
)
"""Forms of well-known keys: what each must hold, which is quick to look for, and the form itself. None is longer than _LONGEST_FORM."""
_KEY_BEGINS, _KEY_ENDS = re.compile(rb"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"), b"-----END "


def granted(names: Sequence[str], *, file: str, keyring: bool) -> dict[str, str]:
    """The values of these names, from the keyring where it is switched on, else from the file. Refuses a name that is nowhere, and an open file."""
    if not names:
        return {}
    found = _from_keyring(names) if keyring else {}
    missing = [n for n in names if n not in found]
    if missing and file:
        known = read_file(Path(file).expanduser())
        found |= {n: known[n] for n in missing if n in known}
    missing = [n for n in names if n not in found]
    if missing:
        where = f"in {file}" if file else "anywhere: set [secrets] file or keyring in jarvis.toml"
        raise Refused(f"The secret {listed(missing)} was granted, but it is not {where}.")
    short = [n for n in names if len(found[n]) < _SHORTEST]
    if short:
        raise Refused(f"The secret {listed(short)} has fewer than {_SHORTEST} characters, so it could not be hidden from logs; give it a longer value.")
    return found


def read_file(path: Path) -> dict[str, str]:
    """The NAME=value lines of a file that nobody else can read. Refuses one that somebody else can."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise Refused(f"The file of secrets {clean(str(path))} cannot be read ({error.strerror}).", code="missing") from error
    with open(fd, encoding="utf-8") as stream:
        about = os.fstat(stream.fileno())
        if not stat.S_ISREG(about.st_mode) or about.st_uid != os.geteuid() or about.st_mode & 0o077:
            raise Refused(f"The file of secrets {clean(str(path))} must be yours alone: chmod 600 {clean(str(path))}. No secret was read from it.")
        lines = [line.partition("=") for line in stream.read().splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return {name.strip().removeprefix("export ").strip(): value.strip().strip("'\"") for name, sign, value in lines if sign}


def _from_keyring(names: Sequence[str]) -> dict[str, str]:
    try:
        import keyring
    except ImportError as error:
        raise Refused(f"[secrets] keyring is on, but the package keyring is not installed; install it with: {install_line('secrets')}") from error
    found = {name: keyring.get_password(SERVICE, name) for name in names}
    return {name: value for name, value in found.items() if value is not None}


class Mask:
    """Hides granted values and well-known forms of keys in bytes, text and values. The same input always gives the same output."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        forms = {form for value in values if len(value) >= _SHORTEST for form in _written(value)}
        self._exact = sorted(forms, key=lambda form: (-len(form), form))
        self.longest = max([_LONGEST_FORM, *map(len, forms)])

    def bytes(self, data: bytes) -> bytes:
        """`data` without what must not be shown."""
        for exact in self._exact:
            if exact in data:
                data = data.replace(exact, MASK)
        for anchors, form in _FORMS:
            if any(anchor in data for anchor in anchors):
                data = form.sub(MASK, data)
        return data

    def safe_cut(self, data: Raw, cut: int) -> int:
        """The last place at or before `cut` where `data` may be parted: nothing that must be hidden lies across it, as far as `data` shows."""
        for begins in _KEY_BEGINS.finditer(data, max(cut - _LONGEST_FORM, 0), cut):
            if _KEY_ENDS not in data[begins.end() : cut]:
                cut = begins.start()
                break
        moved = True
        while moved:
            moved = False
            for begin, end in self._near(data, cut):
                if begin < cut < end:
                    cut, moved = begin, True
        return cut

    def _near(self, data: Raw, cut: int) -> Iterator[tuple[int, int]]:
        """Where secrets that may lie across `cut` begin and end."""
        for exact in self._exact:
            at = data.find(exact, max(cut - len(exact) + 1, 0), cut + len(exact) - 1)
            if at >= 0:
                yield at, at + len(exact)
        low = max(cut - _LONGEST_FORM, 0)
        around = data[low : cut + _LONGEST_FORM]
        for anchors, form in _FORMS:
            if any(anchor in around for anchor in anchors):
                yield from ((low + m.start(), low + m.end()) for m in form.finditer(around))

    def text(self, text: str) -> str:
        """`text` without what must not be shown."""
        return self.bytes(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")

    def value(self, value: Any) -> Any:
        """JSON values with all their texts masked, keys left as they are."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {key: self.value(own) for key, own in value.items()}
        return [self.value(own) for own in value] if isinstance(value, list | tuple) else value

    def file(self, path: Path) -> None:
        """Mask a file in place, whole or not at all; a file without anything to hide is left untouched."""
        data = path.read_bytes()
        masked = self.bytes(data)
        if masked != data:
            temporary = path.with_name(f".{path.name}.masked")
            temporary.write_bytes(masked)
            os.replace(temporary, path)


def _written(value: str) -> Iterable[bytes]:
    """How programs write a secret: plainly, quoted for JSON, HTML, the shell or a URL, in base64 (at any of its offsets) and in hexadecimal."""
    raw = value.encode("utf-8", "surrogatepass")
    yield raw
    for ascii_only in (True, False):
        once = json.dumps(value, ensure_ascii=ascii_only)[1:-1]
        for quoted in (once, json.dumps(once, ensure_ascii=ascii_only)[1:-1]):
            yield quoted.encode("utf-8", "surrogatepass")
    yield repr(value)[1:-1].encode("utf-8", "surrogatepass")
    yield html.escape(value).encode("utf-8", "surrogatepass")
    if "'" in value:
        yield shlex.quote(value)[1:-1].encode("utf-8", "surrogatepass")
    for quoted in (urllib.parse.quote(raw, safe=""), urllib.parse.quote(raw), urllib.parse.quote_plus(raw)):
        yield quoted.encode()
        yield _ESCAPED.sub(lambda m: m[0].lower(), quoted).encode()
    yield raw.hex().encode()
    yield raw.hex().upper().encode()
    for coded in (base64.b64encode, base64.urlsafe_b64encode):
        whole = coded(raw).rstrip(b"=")
        yield whole
        for offset in (1, 2):
            middle = coded(b"\0" * offset + raw)[4:].rstrip(b"=")[:-1]
            if len(middle) >= _SHORTEST:
                yield middle
        yield from (whole[at : at + wrap] for wrap in _WRAPS for at in range(0, len(whole), wrap) if _LINE <= len(whole[at : at + wrap]) < len(whole))
    yield from (line.strip().encode("utf-8", "surrogatepass") for line in value.splitlines() if _LINE <= len(line.strip()) < len(value))


_ESCAPED = re.compile("%[0-9A-F]{2}")
