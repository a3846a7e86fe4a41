"""What did a process print? The head and the tail are kept, the middle is counted; ten gigabytes cost no more than the limit.

The log file holds the bytes as they came. `tail` is text for people: controls and colours are left out of it.
"""

import os
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

from jarvis_lib.model.prose import clean, size

if TYPE_CHECKING:
    from jarvis_lib.execution.secrets import Mask

TAIL_CHARS = 4000
_PREVIEW_BYTES = 8192
_PREVIEW_EVERY_S = 1.0
_LONGEST_LINE = 1 << 16


class Output:
    """Takes bytes, keeps at most `limit` of them: half as the head, half as the tail. With a `path`, a log that can be followed.

    With a `mask` nothing reaches the log or a reader before it was masked: the head line by line, so that a secret that comes in two reads is seen whole;
    of what comes after the head only what is shown.
    """

    def __init__(self, path: Path | None, limit: int, mask: "Mask | None" = None) -> None:
        self.total = 0
        self._mask = mask
        self._held = b""
        self._head_room = max(limit // 2, 1)
        self._tail_room = max(limit - self._head_room, 1)
        self._head_bytes = 0
        self._tail: deque[bytes] = deque()
        self._tail_bytes = 0
        self._last = b""
        self._previewed = 0.0
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644) if path is not None else -1

    @property
    def left_out(self) -> int:
        """How many bytes of the middle were counted but not kept."""
        return max(self.total - self._head_bytes - min(self._tail_bytes, self._tail_room), 0)

    def write(self, data: bytes) -> None:
        """Take what was printed next."""
        self.total += len(data)
        if self._head_bytes >= self._head_room:  # a flood: most of it is never kept, so only what is shown of it is masked
            self._into_tail(self._held + data)
            self._held = b""
            self._preview()
            return
        if self._mask is not None:
            data = self._masked(data)
        room = self._head_room - self._head_bytes
        self._head_bytes += len(data[:room])
        self._append(data[:room])
        self._last = (self._last + data[:room])[-4 * TAIL_CHARS :]
        if data[room:]:
            self._into_tail(data[room:])

    def _masked(self, data: bytes) -> bytes:
        """What may be kept now; the line that has not ended yet is held back."""
        assert self._mask is not None
        whole = self._held + data
        cut = whole.rfind(b"\n") + 1
        if len(whole) - cut > _LONGEST_LINE:
            cut = len(whole) - self._mask.longest
        self._held = whole[cut:]
        return self._mask.bytes(whole[:cut]) if cut else b""

    def flush(self) -> None:
        """Keep the line that has not ended, too: nothing more is printed."""
        if self._mask is not None and self._held:
            mask, self._mask = self._mask, None
            held, self._held = self._held, b""
            self.total -= len(held)
            self.write(mask.bytes(held))
            self._mask = mask

    def close(self) -> None:
        """Bring the tail into the log, with a line that says how much is missing before it."""
        self.flush()
        if self._file < 0:
            return
        if self._tail_bytes:
            self._rewrite(self._end(self._tail_room))
        os.close(self._file)
        self._file = -1

    def _end(self, most: int) -> bytes:
        """The end of what came after the head, masked. More is masked than is shown, so that no secret is cut into pieces that nobody knows."""
        pieces: list[bytes] = []
        missing = most + _LONGEST_LINE
        for piece in reversed(self._tail):
            pieces.append(piece)
            missing -= len(piece)
            if missing <= 0:
                break
        end = b"".join(reversed(pieces))
        return (end if self._mask is None else self._mask.bytes(end))[-most:]

    def tail(self) -> str:
        """The last TAIL_CHARS characters, readable."""
        last = (self._last + self._end(4 * TAIL_CHARS))[-4 * TAIL_CHARS :]
        return clean(last.decode("utf-8", "replace"), keep_lines=True)[-TAIL_CHARS:]

    def last_line(self) -> str:
        """The last line that says anything, or an empty string."""
        lines = [line.strip() for line in self.tail().splitlines() if line.strip()]
        return lines[-1] if lines else ""

    def _append(self, data: bytes) -> None:
        if self._file >= 0:
            os.write(self._file, data)

    def _into_tail(self, data: bytes) -> None:
        self._tail.append(data)
        self._tail_bytes += len(data)
        while self._tail_bytes - len(self._tail[0]) >= self._tail_room + _LONGEST_LINE:
            self._tail_bytes -= len(self._tail.popleft())

    def _preview(self) -> None:
        """While it runs, whoever follows the log sees the newest lines, not only the head."""
        if self._file >= 0 and time.monotonic() - self._previewed >= _PREVIEW_EVERY_S:
            self._rewrite(self._end(_PREVIEW_BYTES))
            self._previewed = time.monotonic()

    def _rewrite(self, tail: bytes) -> None:
        os.ftruncate(self._file, self._head_bytes)
        os.lseek(self._file, self._head_bytes, os.SEEK_SET)
        missing = self.total - self._head_bytes - len(tail)
        if missing > 0:
            os.write(self._file, f"\n[… {missing:,} bytes ({size(missing)}) left out here …]\n".encode())
        os.write(self._file, tail)
