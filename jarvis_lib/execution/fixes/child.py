"""What does a short command say? One program without input, with a limit of time and of output; nothing of it is left running."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from jarvis_lib.model.prose import clean, seconds, shorten

_MOST_BYTES = 256 * 1024
_LOOK_S = 0.02
NEVER_STARTED, TOO_LONG = 127, -1000


@dataclass(frozen=True, slots=True)
class Answer:
    """`code` is the exit code; NEVER_STARTED and TOO_LONG are told in `said` too. `text` is the head of what it printed."""

    code: int
    text: str
    said: str

    @property
    def last_line_whole(self) -> str:
        """Its last line that is not blank, cleaned; empty when it printed none."""
        lines = [line.strip() for line in clean(self.text, keep_lines=True).splitlines() if line.strip()]
        return lines[-1] if lines else ""

    @property
    def last_line(self) -> str:
        """The same in at most 160 characters."""
        return shorten(self.last_line_whole, 160)


def ask(argv: Sequence[str], *, cwd: Path, limit_s: float, env: Mapping[str, str] | None = None, leaves: bool = False) -> Answer:
    """Run `argv` to its end or to its limit, and then end all that it started in its group, unless it `leaves` a service running."""
    return _answers([argv], cwd, limit_s, env, leaves)[0]


def ask_all(commands: Sequence[Sequence[str]], *, cwd: Path, limit_s: float) -> list[Answer]:
    """The same for several commands side by side; the slowest says how long it takes."""
    return _answers(commands, cwd, limit_s, None, False)


def _answers(commands: Sequence[Sequence[str]], cwd: Path, limit_s: float, env: Mapping[str, str] | None, leaves: bool) -> list[Answer]:
    started = [_Running(argv, cwd, os.environ if env is None else env) for argv in commands]
    end, pause = time.monotonic() + limit_s, _LOOK_S / 10
    while any(one.alive() for one in started) and time.monotonic() < end:
        time.sleep(pause)
        pause = min(2 * pause, _LOOK_S)
    return [one.answer(limit_s, leaves=leaves) for one in started]


def shell(line: str) -> list[str]:
    """The argv that has the shell run a line of the settings."""
    return ["/bin/sh", "-c", line]


def python(function: str, *words: str) -> list[str]:
    """The argv that calls `module:function` with `words` in a Python of its own, whatever folder it stands in."""
    module, _, name = function.partition(":")
    where = [os.path.abspath(p) for p in sys.path]
    program = f"import sys; sys.path[:] = {where!r}; from {module} import {name}; sys.exit({name}(sys.argv[1:]))"
    return [sys.executable, "-c", program, *words]


class _Running:
    def __init__(self, argv: Sequence[str], cwd: Path, env: Mapping[str, str]) -> None:
        # Not closed here: `answer` reads it and closes it.
        self.out = tempfile.TemporaryFile()  # noqa: SIM115
        self.argv, self.why = argv, ""
        self.process: subprocess.Popen[bytes] | None = None
        try:
            self.process = subprocess.Popen(
                list(argv), cwd=cwd, env=dict(env), stdin=subprocess.DEVNULL, stdout=self.out, stderr=subprocess.STDOUT, start_new_session=True
            )
        except OSError as error:
            self.why = f"{clean(argv[0])[:80]!r} cannot be started ({error.strerror})"

    def alive(self) -> bool:
        if self.process is None or self.process.poll() is not None:
            return False
        if os.fstat(self.out.fileno()).st_size > 40 * _MOST_BYTES:  # what floods its output is ended before it fills the disk
            self._kill()
        return self.process.poll() is None

    def answer(self, limit_s: float, *, leaves: bool) -> Answer:
        if self.process is None:
            self.out.close()
            return Answer(NEVER_STARTED, "", self.why)
        late = self.process.poll() is None
        if late or not leaves:
            self._kill()
        code = self.process.wait()
        text = os.pread(self.out.fileno(), _MOST_BYTES, 0).decode("utf-8", "replace")
        self.out.close()
        answer = Answer(TOO_LONG if late else code, text, "")
        how = f"did not end within {seconds(limit_s)}" if late else f"ended with exit {code}" if code >= 0 else f"was killed by signal {-code}"
        return Answer(answer.code, text, how + (f": {answer.last_line}" if code and answer.last_line else ""))

    def _kill(self) -> None:
        if self.process is not None:
            with suppress(ProcessLookupError, PermissionError):  # it has ended meanwhile, and nobody of its group is left
                os.killpg(self.process.pid, signal.SIGKILL)
