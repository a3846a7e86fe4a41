"""Secrets that the person granted by name, and how none of them gets into a log: where are they, and what must not be shown?

A worker reads them itself by their names; they stand in no spec, no argv, no journal. What is masked is known exactly (the granted values, also
as base64, URL-encoded, in hexadecimal and as JSON writes them) or by the form that well-known services give their keys.
"""

import base64
import json
import os
import re
import stat
import urllib.parse
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean, listed

MASK = b"[masked]"
SERVICE = "jarvis"
_SHORTEST = 6
_FORMS = (
    ((b"AKIA", b"ASIA"), re.compile(rb"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b")),
    ((b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_"), re.compile(rb"\bgh[pousr]_[A-Za-z0-9]{36,}\b")),
    ((b"github_pat_",), re.compile(rb"\bgithub_pat_[A-Za-z0-9_]{40,}\b")),
    ((b"glpat-",), re.compile(rb"\bglpat-[A-Za-z0-9_-]{20,}\b")),
    ((b"xox",), re.compile(rb"\bxox[abprs]-[A-Za-z0-9-]{20,}\b")),
    ((b"sk-",), re.compile(rb"\bsk-ant-[A-Za-z0-9_-]{20,}\b|\bsk-(?:proj-)?[A-Za-z0-9_-]{32,}\b")),
    ((b"k_live_", b"k_test_"), re.compile(rb"\b[rs]k_(?:live|test)_[A-Za-z0-9]{20,}\b")),
    ((b"AIza",), re.compile(rb"\bAIza[A-Za-z0-9_-]{35}\b")),
    ((b"ya29.",), re.compile(rb"\bya29\.[A-Za-z0-9_-]{30,}\b")),
    ((b"npm_",), re.compile(rb"\bnpm_[A-Za-z0-9]{36}\b")),
    ((b"pypi-",), re.compile(rb"\bpypi-[A-Za-z0-9_-]{50,}\b")),
    ((b"hf_",), re.compile(rb"\bhf_[A-Za-z0-9]{34,}\b")),
    ((b"SG.",), re.compile(rb"\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}\b")),
    ((b"eyJ",), re.compile(rb"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}")),
    (
        (b"PRIVATE KEY-----",),
        re.compile(rb"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----[\s\S]{0,8000}?(?:-----END (?:[A-Z]+ )*PRIVATE KEY-----|\Z)"),
    ),
    ((b"://",), re.compile(rb"(?<=://)[^\s/:@'\"]{1,80}:[^\s/@'\"]{6,200}(?=@)")),
)
"""Forms of well-known keys: what each must hold, which is quick to look for, and the form itself."""


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
        raise Refused("[secrets] keyring is on, but the package keyring is not installed: pip install keyring.") from error
    found = {name: keyring.get_password(SERVICE, name) for name in names}
    return {name: value for name, value in found.items() if value is not None}


class Mask:
    """Hides granted values and well-known forms of keys in bytes, text and values. The same input always gives the same output."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        forms = {form for value in values if len(value) >= _SHORTEST for form in _written(value)}
        self.longest = max((len(f) for f in forms), default=0)
        self._exact = re.compile(b"|".join(re.escape(f) for f in sorted(forms, key=len, reverse=True))) if forms else None

    def bytes(self, data: bytes) -> bytes:
        """`data` without what must not be shown."""
        if self._exact is not None:
            data = self._exact.sub(MASK, data)
        for anchors, form in _FORMS:
            if any(anchor in data for anchor in anchors):
                data = form.sub(MASK, data)
        return data

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
    """How programs write a secret: plainly, quoted for JSON or a URL, in base64 (at any of its three offsets) and in hexadecimal."""
    raw = value.encode()
    yield raw
    yield json.dumps(value)[1:-1].encode()
    yield urllib.parse.quote(value, safe="").encode()
    yield urllib.parse.quote_plus(value).encode()
    yield raw.hex().encode()
    for coded in (base64.b64encode, base64.urlsafe_b64encode):
        yield coded(raw).rstrip(b"=")
        for offset in (1, 2):
            middle = coded(b"\0" * offset + raw)[4:].rstrip(b"=")[:-1]
            if len(middle) >= _SHORTEST:
                yield middle
