"""How is a bundle that a task made read? As a file of data: its header here, its pack by git's own check; its path is never given to git.

`git fetch PATH` would not do. A path that holds a folder, a link to one or a file with `gitdir: …` is opened by git as a repository, and until
git 2.46 the objects of a real bundle come in without any check, whatever `transfer.fsckObjects` says.
"""

import os
import re
import stat
from contextlib import suppress
from pathlib import Path

from jarvis_lib.execution.repositories.git import commit_of, ran
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean, size

MOST_BYTES = 2 * 1024**3
"""What the new objects of a result may take, in the bundle and unpacked."""
MOST_OBJECTS = 500_000
_HEADER_BYTES = 1 << 16
_HASH = rb"[0-9a-f]{40}(?:[0-9a-f]{24})?"
_CAPABILITY = re.compile(rb"@object-format=sha(?:1|256)")
_NEEDED, _HEAD = re.compile(rb"-(" + _HASH + rb")(?: .*)?"), re.compile(rb"(" + _HASH + rb") HEAD")


class Damaged(Exception):
    """What came back cannot be taken; the message ends the sentence `what came back …`."""


def take_in(bundle: Path, quarantine: Path, *, base: str, most_bytes: int = MOST_BYTES) -> str:
    """Bring the objects of a bundle into the repository, which has the base; the commit that the bundle calls HEAD. No ref is written.

    Raises Damaged for anything but a plain file with a bundle of sound and complete objects that is not too large; Refused where the disk is full.
    """
    fd = _opened(bundle)
    try:
        if os.fstat(fd).st_size > most_bytes:
            raise Damaged(f"is larger than {size(most_bytes)}")
        head, needed, begin = _header(os.pread(fd, _HEADER_BYTES, 0))
        if lacking := [n for n in needed if not commit_of(quarantine, n)]:
            raise Damaged(f"builds on a commit {lacking[0][:10]} that the repository does not have")
        os.lseek(fd, begin, os.SEEK_SET)
        # The pack's own size was looked at above; this holds should the file grow meanwhile.
        done = ran(quarantine, "index-pack", "--stdin", "--fix-thin", "--strict", f"--max-input-size={most_bytes}", given=fd)
    finally:
        os.close(fd)
    if done.returncode < 0 or b"No space left" in done.stderr:
        raise Refused(f"What came back could not be taken in: {_last(done.stderr)}.", code="failed")
    if done.returncode:
        raise Damaged(f"is damaged, and git refused it ({_last(done.stderr)})")
    _whole(quarantine, head, base, most_bytes)
    return head


def _opened(bundle: Path) -> int:
    """The file, opened without following a link or waiting at a pipe."""
    try:
        fd = os.open(bundle, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise Damaged(f"is no file that can be read ({clean(error.strerror or str(error))})") from error
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        with suppress(OSError):
            os.close(fd)
        raise Damaged("is no file")
    return fd


def _header(start: bytes) -> tuple[str, list[str], int]:
    """The commit, the commits that must be there already, and where the pack begins."""
    text, found, _ = start.partition(b"\n\n")
    lines = text.split(b"\n")
    if not found or lines[0] not in (b"# v2 git bundle", b"# v3 git bundle"):
        raise Damaged("is damaged: it is no bundle of git's")
    rest = [line for line in lines[1:] if not _CAPABILITY.fullmatch(line)]
    needed = [m.group(1).decode() for line in rest if (m := _NEEDED.fullmatch(line))]
    heads = [m.group(1).decode() for line in rest if (m := _HEAD.fullmatch(line))]
    if len(heads) != 1 or len(needed) + 1 != len(rest):
        raise Damaged("is damaged: its header is not one that Jarvis asked for")
    return heads[0], needed, len(text) + 2


def _whole(quarantine: Path, head: str, base: str, most_bytes: int) -> None:
    """Is all there that the commit needs, and does it fit on a disk when it is unpacked?"""
    if not commit_of(quarantine, head):
        raise Damaged("is damaged: its commit is missing")
    walked = ran(quarantine, "rev-list", "--objects", "--no-object-names", head, "--not", base)
    if walked.returncode:
        raise Damaged(f"is incomplete, and git refused it ({_last(walked.stderr)})")
    if (count := walked.stdout.count(b"\n")) > MOST_OBJECTS:
        raise Damaged(f"has {count:,} new objects, more than {MOST_OBJECTS:,}")
    sizes = ran(quarantine, "cat-file", "--batch-check=%(objectsize)", "--buffer", given=walked.stdout).stdout.split(b"\n")
    if missing := [line for line in sizes if line and not line.isdigit()]:
        raise Damaged(f"is incomplete ({clean(missing[0].decode('utf-8', 'replace'))[:60]})")
    if (total := sum(int(line) for line in sizes if line)) > most_bytes:
        raise Damaged(f"is {size(total)} when it is unpacked, more than {size(most_bytes)}")


def _last(text: bytes) -> str:
    lines = [line for line in clean(text.decode("utf-8", "replace"), keep_lines=True).splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("fatal:", "error:"))]
    return (telling or lines or ["no word"])[0][:160]
