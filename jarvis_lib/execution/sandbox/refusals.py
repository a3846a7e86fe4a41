"""What did the sandbox refuse? Read from what a jailed command printed, and only where it failed: one sentence for each thing refused.

It must not accuse: a program may print any of these words for reasons of its own. So a line counts only when it has the form in which
programs report the system's answer, and when the command failed.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from jarvis_lib.execution.sandbox.jail import Jail
from jarvis_lib.model.prose import clean, shorten

_MOST = 5
_TAIL_LINES = 400
_PATH = r"(?P<path>/[^'\"\n:]{0,200}|[\w.@+-][^'\"\n:]{0,200})"
_ABSOLUTE = r"(?P<path>/[^'\"\n:]{1,200})"
_HOST = r"(?P<host>\[?[\w.-]+(?::\d+)?\]?)"
_READ_ONLY = "It may not write {path}: the sandbox shows it for reading only."
_NO_ACCESS = "It may not use {path}: the sandbox does not allow it."
_NO_NAME = "It asked for the host {host}: the sandbox has no network."
_NO_NETWORK = "It tried to reach {host}: the sandbox has no network."

_FORMS: tuple[tuple[re.Pattern[str], str], ...] = (
    # Python's own words: [Errno 30] Read-only file system: '/usr/x'
    (re.compile(rf"\[Errno 30\] Read-only file system: (?P<q>['\"]){_PATH}(?P=q)"), _READ_ONLY),
    (re.compile(rf"PermissionError: \[Errno (?:1|13)\] (?:Permission denied|Operation not permitted): (?P<q>['\"]){_ABSOLUTE}(?P=q)"), _NO_ACCESS),
    # node: EROFS: read-only file system, open '/usr/x'
    (re.compile(rf"\bEROFS: read-only file system, \w+ (?P<q>['\"]){_PATH}(?P=q)"), _READ_ONLY),
    (re.compile(rf"\b(?:EACCES: permission denied|EPERM: operation not permitted), \w+ (?P<q>['\"]){_ABSOLUTE}(?P=q)"), _NO_ACCESS),
    (re.compile(rf"\b(?:getaddrinfo|queryA?) (?:ENOTFOUND|EAI_AGAIN) {_HOST}"), _NO_NAME),
    (re.compile(rf"\bconnect (?:ENETUNREACH|EACCES|EPERM|EHOSTUNREACH) {_HOST}"), _NO_NETWORK),
    # git, curl, wget, ssh, pip
    (re.compile(rf"^fatal: .*Could not resolve host: {_HOST}", re.I), _NO_NAME),
    (re.compile(rf"^(?:curl: \(6\)|ssh: ).*Could not resolve host(?:name)?:? {_HOST}", re.I), _NO_NAME),
    (re.compile(rf"^wget: unable to resolve host address [‘'\"]?{_HOST}"), _NO_NAME),
    (re.compile(rf"^curl: \(7\) .*connect to {_HOST} port (?P<port>\d+).*(?:Network is unreachable|Couldn't connect|Could not connect)"), _NO_NETWORK),
    (re.compile(rf"^(?:ssh: )?connect to host {_HOST} port \d+: Network is unreachable"), _NO_NETWORK),
    (re.compile(rf"NameResolutionError\(.*Failed to resolve '{_HOST}'"), _NO_NAME),
    (re.compile(rf"^Err:\d+ https?://{_HOST}"), _NO_NAME),
    (
        re.compile(r"(?:socket\.gaierror|URLError).*\[Errno -(?:2|3|5)\] (?:Temporary failure in name resolution|Name or service not known|No address)"),
        "It asked for the address of a host: the sandbox has no network.",
    ),
    (re.compile(r"(?:OSError|URLError|ConnectError).*\[Errno 101\] Network is unreachable"), "It tried to reach the network, which the sandbox does not have."),
    # the C library's words behind a program and a path: touch: cannot touch '/usr/x': Read-only file system
    (re.compile(rf"^[\w./-]+: (?:line \d+: |\d+: )?(?:cannot [\w ]+ )?[‘'\"]?{_PATH}[’'\"]?: Read-only file system$"), _READ_ONLY),
    (re.compile(rf"^[\w./-]+: (?:line \d+: |\d+: )?cannot create {_PATH}: (?:Read-only file system|Directory nonexistent and read-only)$"), _READ_ONLY),
    (
        re.compile(rf"^(?:[\w./-]+: (?:line \d+: |\d+: )?)(?:cannot [\w ]+ )?[‘'\"]?{_ABSOLUTE}[’'\"]?: (?:Permission denied|Operation not permitted)$"),
        _NO_ACCESS,
    ),
    (re.compile(rf"^(?:error|fatal): (?:could not|cannot|unable to) [\w ]+ [‘'\"]?{_PATH}[’'\"]?: Read-only file system$"), _READ_ONLY),
    (
        re.compile(rf"^(?:error|fatal): (?:could not|cannot|unable to) [\w ]+ [‘'\"]?{_ABSOLUTE}[’'\"]?: (?:Permission denied|Operation not permitted)$"),
        _NO_ACCESS,
    ),
    (re.compile(r"^unshare: unshare failed: Operation not permitted$"), "It tried to make a namespace of its own, which the sandbox does not allow."),
    (re.compile(rf"^mount: {_PATH}: (?:must be superuser|permission denied)"), "It tried to mount {path}, which the sandbox does not allow."),
    # the sandbox itself
    (re.compile(r"^(?:bwrap|jarvis-sandbox): (?P<path>.{1,200})$"), "The sandbox itself could not start: {path}."),
)


def refused(output: str, exit_code: int | None, *, jail: Jail | None = None) -> list[str]:
    """At most five sentences, each said once, in the order of the output. Empty where the command ended well or nothing is sure.

    With the `jail`, what is denied below a path that it may write is not laid at the sandbox's door: a mode of the file did that.
    """
    if exit_code == 0:
        return []
    own = (jail.temp, *jail.writable, Path("/tmp")) if jail else ()
    return list(dict.fromkeys(_found(output, own)))[:_MOST]


def _found(output: str, own: tuple[Path, ...]) -> Iterator[str]:
    for line in output.splitlines()[-_TAIL_LINES:]:
        said = _of(line.strip()[:1000], own)
        if said:
            yield said


def _of(line: str, own: tuple[Path, ...]) -> str:
    for form, sentence in _FORMS:
        match = form.search(line)
        if match:
            if sentence == _NO_ACCESS and any(Path(match["path"]).is_relative_to(p) for p in own):
                return ""
            return sentence.format(**{name: shorten(clean(text), 120) for name, text in match.groupdict().items() if text})
    return ""
