"""What is a hook told, and how does it run? One JSON document: on the standard input of a command, or posted to an address."""

import base64
import http.client
import json
import socket
import ssl
from collections.abc import Sequence
from contextlib import closing, suppress
from datetime import datetime
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from jarvis_lib.doors.delivery.outcome import Outcome, TooLong, within
from jarvis_lib.doors.delivery.secret import secret
from jarvis_lib.execution.hooks import run_hook
from jarvis_lib.execution.secrets import Mask
from jarvis_lib.model.delivery import LOOPBACK, SECRET, is_address
from jarvis_lib.model.fact import Refused, stamp
from jarvis_lib.model.prose import clean, shorten
from jarvis_lib.store.place import Place
from jarvis_lib.store.store import Reader

Row = dict[str, Any]
SCHEMA = "jarvis.event/1"
MOST_BYTES = 64 * 1024
KEPT_CHARS = 1500
LATER = (408, 425, 429)
"""Answers below 500 after which a later try may do better."""
_SHORT = {"task": ("id", "title", "category", "priority", "state"), "attempt": ("id", "n", "outcome", "verdict"), "problem": ("key", "kind", "severity")}


def document(reader: Reader, message: Row) -> dict[str, Any]:
    """The event with all that is known of it, as JSON values."""
    happened = reader.one("delivery.happening", id=message["happening"]) or {}
    is_problem = message["kind"] == "problem"
    return {
        "schema": SCHEMA,
        "id": message["key"],
        "event": message["kind"],
        "at": stamp(happened["at"]) if happened else None,
        "task": None if is_problem else _plain(reader.one("delivery.task", id=message["about"])),
        "attempt": _plain(reader.one("delivery.attempt", id=happened["attempt"])) if happened.get("attempt") else None,
        "problem": _plain(reader.one("delivery.problem", key=message["about"])) if is_problem else None,
    }


def test_document(key: str, *, now: datetime) -> dict[str, Any]:
    """What a hook is told by `jarvis delivery test`: the same shape, and nothing in it."""
    return {"schema": SCHEMA, "id": key, "event": "test", "at": stamp(now), "task": None, "attempt": None, "problem": None}


def shown(event: dict[str, Any], detail: str) -> dict[str, Any]:
    """The event as far as it may leave this machine: with `counts` only ids, with `titles` what a list shows, with `full` all."""
    if detail == "full":
        return event
    short = dict(event)
    for part, keys in _SHORT.items():
        if event[part]:
            short[part] = {key: event[part][key] for key in (keys if detail == "titles" else keys[:1])}
    if detail == "counts" and event["problem"]:
        short["problem"] = {"kind": event["problem"]["kind"]}  # its key names a file
    return short


def _plain(row: Row | None) -> Row | None:
    return None if row is None else {key: stamp(value) if isinstance(value, datetime) else value for key, value in row.items()}


def fire(place: Place, hook: str, event: dict[str, Any]) -> Outcome:
    """Run the hook with the event, within `[hooks] seconds`. What is set for it is a command, an address, or the name of a secret that holds one."""
    line, limit_s = place.settings.get("hooks", hook).strip(), place.settings.get("hooks", "seconds")
    if not is_address(line):
        text = json.dumps(event, ensure_ascii=False)
        ended = run_hook(line, text, cwd=place.home, limit_s=limit_s, extra={"JARVIS_HOME": str(place.home), "JARVIS_EVENT": event["event"]})
        printed = clean(ended.printed, keep_lines=True)[-KEPT_CHARS:]
        return Outcome(ended.ok, f"{ended.said}{f'; printed: {printed}' if printed else ''}", ended.again)
    hidden: Sequence[str] = ()
    if line.startswith(SECRET):
        name = line.removeprefix(SECRET).strip()
        (line,) = hidden = secret(place.settings, [name])
        if not line.startswith(("http://", "https://")):
            raise Refused(f"The secret {clean(name)[:40]} of [hooks] {hook} holds no address that begins with http:// or https://.")
    url = _address(line, hook)
    detail = "full" if url.hostname in LOOPBACK else place.settings.get("delivery", "detail")
    outcome = post_to(url, json.dumps(shown(event, detail), ensure_ascii=False).encode(), key=event["id"], limit_s=limit_s)
    return Outcome(outcome.ok, Mask(hidden).text(outcome.said), outcome.again)


def _address(line: str, hook: str) -> SplitResult:
    wrong = Refused(f"What [hooks] {hook} names is no address; write it such as https://example.org/hook.")
    try:
        url = urlsplit(line)
        port = url.port
    except ValueError as error:
        raise wrong from error
    if not url.hostname or port == 0 or not line.isascii() or not line.isprintable() or " " in line:
        raise wrong
    return url


def post_to(url: SplitResult, body: bytes, *, key: str, limit_s: float) -> Outcome:
    """Post JSON to the address. Only 2xx is a success; nothing is followed to another address."""
    where = f"{url.hostname}:{url.port}" if url.port else f"{url.hostname}"
    try:
        with closing(_connection(url, limit_s)) as connection, within(limit_s, lambda: _cut(connection)):
            connection.request("POST", _path(url), body, _headers(url, key))
            answer = connection.getresponse()
            said = answer.read(MOST_BYTES).decode("utf-8", "replace")
    except TooLong:
        return Outcome(False, f"{where} took longer than {limit_s:g} s", again=True)
    except TimeoutError:
        return Outcome(False, f"{where} did not answer within {limit_s:g} s", again=True)
    except ssl.SSLCertVerificationError as error:
        return Outcome(False, f"the certificate of {where} is not trusted: {clean(error.verify_message)}")
    except (OSError, http.client.HTTPException, ValueError) as error:
        return Outcome(False, f"{where} cannot be reached ({clean(getattr(error, 'strerror', '') or type(error).__name__)})", again=True)
    told = f"{where} answered {answer.status}{f': {shorten(clean(said), 300)}' if said.strip() else ''}"
    return Outcome(200 <= answer.status < 300, told, again=answer.status >= 500 or answer.status in LATER)


def _connection(url: SplitResult, limit_s: float) -> http.client.HTTPConnection:
    if url.scheme == "https":
        return http.client.HTTPSConnection(url.hostname or "", url.port, timeout=limit_s, context=ssl.create_default_context())
    return http.client.HTTPConnection(url.hostname or "", url.port, timeout=limit_s)


def _path(url: SplitResult) -> str:
    return f"{url.path or '/'}{f'?{url.query}' if url.query else ''}"


def _headers(url: SplitResult, key: str) -> dict[str, str]:
    found = {"Content-Type": "application/json", "User-Agent": "jarvis", "Idempotency-Key": key, "Connection": "close"}
    if url.username:
        pair = f"{unquote(url.username)}:{unquote(url.password or '')}"
        found["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    return found


def _cut(connection: http.client.HTTPConnection) -> None:
    if connection.sock is not None:
        with suppress(OSError):
            connection.sock.shutdown(socket.SHUT_RDWR)
