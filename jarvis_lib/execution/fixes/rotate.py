"""How does a log become short while somebody writes it? Its head is packed and verified, then taken away in one step of the kernel.

The usual copy-and-truncate loses what is written between the copy and the truncate. Linux can instead remove exactly the
copied bytes from the head of a file (`FALLOC_FL_COLLAPSE_RANGE`: ext4, xfs), however much is appended meanwhile, and put room
back in the same way. Where it cannot, the log is shortened only while nobody else has it open. Writers keep their descriptor.
"""

import ctypes
import errno
import gzip
import hashlib
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from jarvis_lib.execution.fixes.holding import alone, refuse_offset_writers
from jarvis_lib.execution.fixes.notes import CHUNK, Note, hash_file, hash_range, sync_folder, write_all, write_whole
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean

_COLLAPSE, _INSERT = 0x08, 0x20


@dataclass(frozen=True, slots=True)
class Rotation:
    """What was done, enough to undo it.

    The archive holds the log's first `end` bytes (whole lines). Of these, `cut` bytes (a multiple of the block size) were
    taken away; the rest of the last line stands blanked at the head of the log, so that no line is there twice. The `left` bytes
    that stayed have the hash `left_sha`. `mtime_ns` is when the log was last written before.
    """

    log: str
    archive: str
    archive_sha: str
    sha: str
    end: int
    cut: int
    left: int
    left_sha: str
    how: str
    mtime_ns: int = 0


def rotate(note: Note, *, stamp: str, limit: int) -> Rotation:
    """Pack the log of `note` into `NAME.<stamp>.gz` and shorten it. Raises Refused, and then the log is as it was."""
    log = note.path
    refuse_offset_writers(log)
    fd = os.open(log, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        return _rotate(fd, log, note, stamp=stamp, limit=limit)
    finally:
        os.close(fd)


def _rotate(fd: int, log: Path, note: Note, *, stamp: str, limit: int) -> Rotation:
    temporary = note.temporary_beside(log)
    size, written = os.fstat(fd).st_size, os.fstat(fd).st_mtime_ns
    block = _collapsible(temporary, fd)
    cut = (size - 1) // block * block if block else 0
    collapse = cut > 0 and size - cut <= limit
    cut, end, head = _line_end(fd, cut, size) if collapse else (size, size, b"")
    sha = _pack(fd, end, temporary)
    if _unpacked_sha(temporary) != sha:
        raise Refused(f"The archive of {clean(log.name)} does not unpack to what was read; the log was left as it is.")
    archive = _free_name(log, stamp)
    how, left_sha = "collapse" if collapse else "truncate", hashlib.sha256(head).hexdigest()
    done = Rotation(str(log), str(archive), hash_file(temporary), sha, end, cut, len(head), left_sha, how, written)
    note.ready(asdict(done))
    os.rename(temporary, archive)
    sync_folder(archive.parent)
    if collapse:
        _take_head(fd, cut, head[: end - cut])
    else:
        with alone(fd, log):
            _truncate_to_tail(fd, end)
    return done


def was_shortened(done: Rotation) -> bool:
    """Whether the log lost its head (True), or still has all of it (False)."""
    with open(done.log, "rb") as file:
        return hash_range(file.fileno(), 0, done.end) != done.sha


def finish(done: Rotation) -> None:
    """Blank the line that the archive has whole, where an interruption left it half in the log."""
    fd = os.open(done.log, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        blank = _blank(done.end - done.cut)
        head = blank + os.pread(fd, done.left, 0)[len(blank) :]
        if blank and hashlib.sha256(head).hexdigest() == done.left_sha:
            write_all(fd, blank, 0)
    finally:
        os.close(fd)


def holds(done: Rotation) -> str:
    """What is wrong with the result, or nothing: the archive is whole and the log goes on where it should."""
    if not Path(done.archive).is_file() or hash_file(Path(done.archive)) != done.archive_sha:
        return "the archive is not what was written"
    with open(done.log, "rb") as file:
        if hash_range(file.fileno(), 0, done.left) != done.left_sha:
            return "the log does not go on where the archive ends"
    return ""


def drop_archive(done: Rotation) -> None:
    """Remove the archive of a rotation that did not happen, or was undone. The caller has seen its bytes in the log."""
    archive = Path(done.archive)
    if archive.is_file() and hash_file(archive) == done.archive_sha:
        archive.unlink()
        sync_folder(archive.parent)


def unrotate(done: Rotation, kept: Path) -> None:
    """Put the packed bytes back in front of what the log has now. Raises Refused when log or archive were changed since.

    Safe to repeat after an interruption; what is appended meanwhile stays behind the old bytes.
    """
    log = Path(done.log)
    if not log.is_file():
        raise Refused(f"{clean(done.log)} is gone; the old lines are in {clean(done.archive)}.")
    finish(done)
    fd = os.open(log, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        if hash_range(fd, 0, done.end) != done.sha:
            _check_unchanged(fd, done)
            (_give_head if done.how == "collapse" else _prepend)(fd, done, kept)
            os.fsync(fd)
            if hash_range(fd, 0, done.end) != done.sha:
                raise Refused(f"{clean(done.log)} could not be put back as it was; the old lines are in {clean(done.archive)}.")
        if done.mtime_ns and os.fstat(fd).st_size == done.cut + done.left:  # nobody has written since
            os.utime(fd, ns=(os.fstat(fd).st_atime_ns, done.mtime_ns))
    finally:
        os.close(fd)
    drop_archive(done)


def _check_unchanged(fd: int, done: Rotation) -> None:
    if not Path(done.archive).is_file() or hash_file(Path(done.archive)) != done.archive_sha:
        raise Refused(f"{clean(done.archive)} was changed or removed since, so the log cannot be put back.")
    fresh = hash_range(fd, 0, done.left) == done.left_sha
    half_way = hash_range(fd, done.cut, done.cut + done.left) == done.left_sha
    if not fresh and not half_way:
        raise Refused(f"{clean(done.log)} was changed since; its old lines stay in {clean(done.archive)}.")


# --- with a kernel that can move the head --------------------------------------------------------------------------------


def _fallocate(fd: int, mode: int, length: int) -> int:
    """0, or the errno, of fallocate(fd, mode, 0, length)."""
    call = getattr(ctypes.CDLL(None, use_errno=True), "fallocate", None)
    if call is None:
        return errno.EOPNOTSUPP
    call.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]
    return ctypes.get_errno() if call(fd, mode, 0, length) else 0


def _collapsible(scratch: Path, fd: int) -> int:
    """The block size in which this file system takes heads away, or 0. Tried on an own empty file beside the log."""
    block = os.fstatvfs(fd).f_bsize
    own = os.open(scratch, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.ftruncate(own, 2 * block)
        return 0 if _fallocate(own, _COLLAPSE, block) else block
    finally:
        os.close(own)


def _line_end(fd: int, cut: int, size: int) -> tuple[int, int, bytes]:
    """(cut, end, head): `end` is where the line that crosses `cut` ends, `head` what the log will start with, that line blanked."""
    rest = os.pread(fd, size - cut, cut)
    whole = os.pread(fd, 1, cut - 1) == b"\n"
    over = 0 if whole else rest.find(b"\n") + 1
    return cut, cut + over, _blank(over) + rest[over:]


def _blank(length: int) -> bytes:
    return b" " * (length - 1) + b"\n" if length else b""


def _take_head(fd: int, cut: int, blank: bytes) -> None:
    failed = _fallocate(fd, _COLLAPSE, cut)
    if failed:
        raise OSError(failed, os.strerror(failed))
    write_all(fd, blank, 0)
    os.fsync(fd)


def _give_head(fd: int, done: Rotation, _kept: Path) -> None:
    if hash_range(fd, 0, done.left) == done.left_sha:
        failed = _fallocate(fd, _INSERT, done.cut)
        if failed:
            raise Refused(f"{clean(done.log)} cannot be put back ({os.strerror(failed)}); the old lines are in {clean(done.archive)}.")
    _unpack(fd, done)


# --- with nobody else there ----------------------------------------------------------------------------------------------


def _truncate_to_tail(fd: int, end: int) -> None:
    """Move what was appended since the copy to the front, then cut. Interrupted, a line stands twice and none is lost."""
    size, at = os.fstat(fd).st_size, 0
    while end + at < size:
        data = os.pread(fd, CHUNK, end + at)
        write_all(fd, data, at)
        at += len(data)
    os.ftruncate(fd, at)
    os.fsync(fd)


def _prepend(fd: int, done: Rotation, kept: Path) -> None:
    with alone(fd, Path(done.log)):
        saved = kept / "tail"
        size = os.fstat(fd).st_size
        if not (saved.is_file() and size >= done.end + saved.stat().st_size):
            kept.mkdir(parents=True, exist_ok=True)
            write_whole(saved, os.pread(fd, size, 0))
        tail = saved.read_bytes()
        os.ftruncate(fd, max(size, done.end + len(tail)))
        write_all(fd, tail, done.end)
        _unpack(fd, done)
        os.fsync(fd)
        saved.unlink()
        if not any(kept.iterdir()):
            kept.rmdir()


# --- archives ------------------------------------------------------------------------------------------------------------


def _free_name(log: Path, stamp: str) -> Path:
    names = (log.with_name(f"{log.name}.{stamp}{'-' + str(i) if i else ''}.gz") for i in range(1000))
    return next(n for n in names if not n.exists())


def _pack(fd: int, end: int, target: Path) -> str:
    """Compress the first `end` bytes into `target`, fsynced, with the mode of the log; the SHA-256 of the plain bytes."""
    digest, at = hashlib.sha256(), 0
    with open(target, "wb") as out:
        os.fchmod(out.fileno(), os.fstat(fd).st_mode & 0o777)
        with gzip.GzipFile(filename="", mode="wb", fileobj=out, compresslevel=6, mtime=0) as packed:
            while at < end:
                data = os.pread(fd, min(CHUNK, end - at), at)
                if not data:
                    raise Refused("The log became shorter while it was read; it was left as it is.")
                digest.update(data)
                packed.write(data)
                at += len(data)
        out.flush()
        os.fsync(out.fileno())
    return digest.hexdigest()


def _unpacked_sha(path: Path) -> str:
    digest = hashlib.sha256()
    with gzip.open(path, "rb") as packed:
        while data := packed.read(CHUNK):
            digest.update(data)
    return digest.hexdigest()


def _unpack(fd: int, done: Rotation) -> None:
    """Write the archive's bytes to the head of the log."""
    at = 0
    with gzip.open(done.archive, "rb") as packed:
        while data := packed.read(CHUNK):
            write_all(fd, data, at)
            at += len(data)
