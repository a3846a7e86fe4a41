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

    With a `mask` nothing is written or given out before it was masked, in pieces that part no secret. What is only counted is not masked, so a
    flood is as quick as without one.
    """

    def __init__(self, path: Path | None, limit: int, mask: "Mask | None" = None) -> None:
        self.total = 0
        self._mask = mask
        self._more = mask.longest if mask is not None else 0
        self._held = b""
        self._head_room = max(limit // 2, 1)
        self._tail_room = max(limit - self._head_room, 1)
        self._head_bytes = 0
        self._tail: deque[bytes] = deque()
        self._tail_bytes = 0
        self._dropped = 0
        self._last = b""
        self._ended = False
        self._previewed = 0.0
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644) if path is not None else -1

    @property
    def left_out(self) -> int:
        """How many bytes of the middle were counted but not kept."""
        return self._dropped + max(self._tail_bytes - self._tail_room, 0)

    def write(self, data: bytes) -> None:
        """Take what was printed next."""
        self._ended = False
        self.total += len(data)
        self._last = (self._last + data)[-(4 * TAIL_CHARS + self._more) :]
        if self._head_bytes < self._head_room:
            self._into_head(self._parted(data))
        elif data:
            self._into_tail(data)
            self._preview()

    def flush(self) -> None:
        """Keep the line that has not ended, too: nothing more is printed."""
        self._ended = True
        held, self._held = self._held, b""
        if held:
            self._into_head(self._masked(held))

    def close(self) -> None:
        """Bring the tail into the log, with a line that says how much is missing before it."""
        self.flush()
        if self._file < 0:
            return
        if self._tail_bytes:
            tail = self._end_of(b"".join(self._tail), self._tail_room, begins=not self._dropped)
            self._rewrite(tail[-self._tail_room :], self._dropped + max(len(tail) - self._tail_room, 0))
        os.close(self._file)
        self._file = -1

    def tail(self) -> str:
        """The last TAIL_CHARS characters, readable."""
        return clean(self._newest(4 * TAIL_CHARS).decode("utf-8", "replace"), keep_lines=True)[-TAIL_CHARS:]

    def last_line(self) -> str:
        """The last line that says anything, or an empty string."""
        lines = [line.strip() for line in self.tail().splitlines() if line.strip()]
        return lines[-1] if lines else ""

    def _masked(self, data: bytes) -> bytes:
        return data if self._mask is None else self._mask.bytes(data)

    def _end_of(self, data: bytes, room: int, *, begins: bool) -> bytes:
        """About the last `room` bytes, masked. What lies before them shows whether a secret begins there; what follows a loss is not shown itself."""
        if self._mask is None:
            return data
        start = min(max(len(data) - room, 0 if begins else self._more), len(data))
        return self._mask.bytes(data[self._mask.safe_cut(data, start) if start else 0 :])

    def _newest(self, room: int) -> bytes:
        """The end of what was printed, masked; while more may come, without what may be half of a secret."""
        data = self._last
        if self._mask is not None and not self._ended:
            data = data[: self._mask.safe_cut(data, data.rfind(b"\n") + 1)]
        return self._end_of(data, room, begins=self.total == len(self._last))

    def _parted(self, data: bytes) -> bytes:
        """What may be kept now; the line that has not ended yet is held back, and so is whatever may be half of a secret."""
        if self._mask is None:
            return data
        whole = self._held + data
        cut = max(whole.rfind(b"\n"), whole.rfind(b"\r")) + 1
        if len(whole) - cut > _LONGEST_LINE + self._more:
            cut = len(whole) - self._more
        cut = self._mask.safe_cut(whole, cut) if cut else 0
        self._held = whole[cut:]
        return self._mask.bytes(whole[:cut]) if cut else b""

    def _into_head(self, data: bytes) -> None:
        """Fill the head; what has no room in it begins the tail, and what was held back goes there with it."""
        room = self._head_room - self._head_bytes
        self._head_bytes += len(data[:room])
        self._append(data[:room])
        if self._head_bytes >= self._head_room:
            held, self._held = self._held, b""
            self._into_tail(data[room:] + held)
            self._preview()

    def _append(self, data: bytes) -> None:
        if self._file >= 0:
            os.write(self._file, data)

    def _into_tail(self, data: bytes) -> None:
        """Keep as much as the tail may have, and so much before it that a secret at its beginning is seen whole."""
        if not data:
            return
        self._tail.append(data)
        self._tail_bytes += len(data)
        while self._tail_bytes - len(self._tail[0]) >= self._tail_room + self._more:
            gone = len(self._tail.popleft())
            self._tail_bytes -= gone
            self._dropped += gone

    def _preview(self) -> None:
        """While it runs, whoever follows the log sees the newest lines, not only the head."""
        if self._file < 0 or time.monotonic() - self._previewed < _PREVIEW_EVERY_S:
            return
        newest = self._newest(_PREVIEW_BYTES)[-_PREVIEW_BYTES:]
        self._rewrite(newest, max(self.total - self._head_bytes - len(newest), 0))
        self._previewed = time.monotonic()

    def _rewrite(self, tail: bytes, missing: int) -> None:
        os.ftruncate(self._file, self._head_bytes)
        os.lseek(self._file, self._head_bytes, os.SEEK_SET)
        if missing > 0:
            os.write(self._file, f"\n[… {missing:,} bytes ({size(missing)}) left out here …]\n".encode())
        os.write(self._file, tail)
