"""What the sandbox refused is told from the output, and nobody is accused who only used the same words."""

from pathlib import Path

import pytest

from jarvis_lib.execution.sandbox.jail import Jail
from jarvis_lib.execution.sandbox.refusals import refused

REFUSED = [
    ("touch: cannot touch '/usr/x': Read-only file system", "/usr/x", "reading only"),
    ("/bin/sh: 1: cannot create /etc/x: Read-only file system", "/etc/x", "reading only"),
    ("sh: 1: cannot create /srv/a b: Read-only file system", "/srv/a b", "reading only"),
    ("bash: line 1: /usr/x: Read-only file system", "/usr/x", "reading only"),
    ("mkdir: cannot create directory ‘/opt/x’: Read-only file system", "/opt/x", "reading only"),
    ("rm: cannot remove '/usr/bin/ls': Read-only file system", "/usr/bin/ls", "reading only"),
    ("OSError: [Errno 30] Read-only file system: '/usr/x'", "/usr/x", "reading only"),
    ("PermissionError: [Errno 13] Permission denied: '/home/ann/.ssh/id'", "/home/ann/.ssh/id", "not allow"),
    ("PermissionError: [Errno 1] Operation not permitted: '/etc/passwd'", "/etc/passwd", "not allow"),
    ("cat: /home/ann/.ssh/id_ed25519: Permission denied", "/home/ann/.ssh/id_ed25519", "not allow"),
    ("ls: cannot open directory '/home/ann': Permission denied", "/home/ann", "not allow"),
    ("bash: line 3: /etc/cron.d/x: Permission denied", "/etc/cron.d/x", "not allow"),
    ("Error: EROFS: read-only file system, open '/usr/lib/x'", "/usr/lib/x", "reading only"),
    ("Error: EACCES: permission denied, mkdir '/home/ann/x'", "/home/ann/x", "not allow"),
    ("Error: getaddrinfo EAI_AGAIN registry.npmjs.org", "registry.npmjs.org", "no network"),
    ("npm error network request failed, reason: getaddrinfo ENOTFOUND registry.npmjs.org", "registry.npmjs.org", "no network"),
    ("Error: connect ENETUNREACH 1.2.3.4:443 - Local (0.0.0.0:0)", "1.2.3.4:443", "no network"),
    ("fatal: unable to access 'https://example.org/x/': Could not resolve host: example.org", "example.org", "no network"),
    ("curl: (6) Could not resolve host: example.org", "example.org", "no network"),
    ("ssh: Could not resolve hostname example.org: Temporary failure in name resolution", "example.org", "no network"),
    ("wget: unable to resolve host address ‘example.org’", "example.org", "no network"),
    ("curl: (7) Failed to connect to 10.0.0.1 port 443 after 0 ms: Couldn't connect to server", "10.0.0.1", "no network"),
    ("ssh: connect to host 10.0.0.1 port 22: Network is unreachable", "10.0.0.1", "no network"),
    ("NameResolutionError(\"HTTPSConnection(host='pypi.org', port=443): Failed to resolve 'pypi.org' ([Errno -3])\")", "pypi.org", "no network"),
    ("socket.gaierror: [Errno -3] Temporary failure in name resolution", "address of a host", "no network"),
    ("urllib.error.URLError: <urlopen error [Errno -2] Name or service not known>", "address of a host", "no network"),
    ("OSError: [Errno 101] Network is unreachable", "network", "does not have"),
    ("error: could not lock config file /home/ann/.gitconfig: Read-only file system", "/home/ann/.gitconfig", "reading only"),
    ("fatal: cannot create directory at '/srv/x': Permission denied", "/srv/x", "not allow"),
    ("unshare: unshare failed: Operation not permitted", "namespace", "not allow"),
    ("mount: /mnt: must be superuser to use mount.", "/mnt", "not allow"),
    ("bwrap: Can't find source path /x: No such file or directory", "/x", "could not start"),
    ("jarvis-sandbox: Landlock cannot be put in force: Operation not permitted", "Landlock", "could not start"),
]
INNOCENT = [
    "test_permission_denied_is_told PASSED",
    "AssertionError: expected 'Permission denied' in the page",
    "HTTP 403: Permission denied for user 7",
    "bash: ./run.sh: Permission denied",
    "PermissionError: [Errno 13] Permission denied: 'out.txt'",
    "psycopg2.errors.InsufficientPrivilege: permission denied for table users",
    "ERROR:  permission denied for schema public",
    "# see: Read-only file system",
    "This checks what happens on a read-only file system, open 'x' and look",
    "docs: explain 'Network is unreachable'",
    "E   assert 'could not resolve host' in text",
    "FileNotFoundError: [Errno 2] No such file or directory: '/home/ann/x'",
    "ConnectionRefusedError: [Errno 111] Connection refused",
    "git@github.com: Permission denied (publickey).",
    "sqlite3.OperationalError: attempt to write a readonly database",
    "",
]


@pytest.mark.parametrize(("line", "what", "how"), REFUSED, ids=[line[:40] for line, *_ in REFUSED])
def test_a_refusal_is_told_with_what_was_refused(line: str, what: str, how: str) -> None:
    """Each way in which programs report it, in the middle of other output, once however often it stands there."""
    said = refused(f"begin\n{line}\n{line}\nend\n", 1)
    assert len(said) == 1 and what in said[0] and how in said[0], said
    assert refused(line, 0) == []


@pytest.mark.parametrize("line", INNOCENT)
def test_the_same_words_for_other_reasons_accuse_nobody(line: str) -> None:
    """Tests that speak of permissions, databases that refuse, scripts without the executable bit."""
    assert refused(f"begin\n{line}\nend", 1) == []


def test_what_lies_in_the_jails_own_folders_was_refused_by_its_mode(tmp_path: Path) -> None:
    """The sandbox lets it write there, so it was not the sandbox."""
    line = f"cat: {tmp_path}/closed: Permission denied"
    jail = Jail("strict", tmp_path, tmp_path / "temp", writable=(tmp_path,))
    assert len(refused(line, 1)) == 1 and refused(line, 1, jail=jail) == []


def test_at_most_five_are_told_and_controls_are_taken_out() -> None:
    """A thousand refusals are five sentences; an escape sequence in a path does not reach the page."""
    lines = "\n".join(f"touch: cannot touch '/usr/\x1b[31m{i}': Read-only file system" for i in range(1000))
    said = refused(lines, 1)
    assert len(said) == 5 and "\x1b" not in "".join(said)
