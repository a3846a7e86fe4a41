"""The worker: `python -m jarvis_lib.execution.worker SPEC.json` does one step of one attempt and writes down how it ended.

It knows no store. It adopts whatever its children orphan, so that at its end nothing of the attempt is alive; it ends when it is told
to (TERM) and when the session that started it has died. The same worker serves every engine.
"""

import os
import signal
import sys
from pathlib import Path
from types import FrameType

from jarvis_lib.execution import held, tree
from jarvis_lib.execution.held import mask_of
from jarvis_lib.execution.results import EXIT_NO_ROOM, NO_ROOM, Result, ended_badly, write_json
from jarvis_lib.execution.spec import Spec, read_spec
from jarvis_lib.model.crash import crash_point
from jarvis_lib.model.fact import Refused

_NICE = 5
_OOM_SCORE = "500"


class Stop:
    """Did somebody ask to end? Set by a signal, looked at by whatever waits."""

    def __init__(self, parent: int) -> None:
        self.asked = False
        self._parent = parent

    def __call__(self) -> bool:
        """Whether somebody asked."""
        return self.asked

    def listen(self) -> None:
        """From now on TERM and INT ask for an end, and so does the death of the parent (HUP)."""
        signal.signal(signal.SIGTERM, self._on_term)
        signal.signal(signal.SIGINT, self._on_term)
        signal.signal(signal.SIGHUP, self._on_parent)

    def _on_term(self, number: int, frame: FrameType | None) -> None:
        self.asked = True

    def _on_parent(self, number: int, frame: FrameType | None) -> None:
        """Linux says so when the *thread* that started us ends; only the end of the process counts."""
        self.asked = self.asked or os.getppid() != self._parent


def main(argv: list[str]) -> int:
    """Do the step that the spec names. Exit 0 when the result was written, whatever it says; EXIT_NO_ROOM when the disk took no result."""
    path = Path(argv[0])
    spec = read_spec(path)
    stop = Stop(spec.parent)
    stop.listen()
    tree.adopt_orphans(signal.SIGHUP)
    if spec.parent and os.getppid() != spec.parent:
        return 1  # the session died while we started: nobody would read the result
    _stand_back()
    crash_point(f"{spec.step}-begun")
    try:
        result = _do(spec, stop)
    except Refused as error:
        result = ended_badly("failed", error.sentence)
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        result = ended_badly("failed", f"The {spec.step} step had no room to write what it needs ({error.strerror})")
    tree.kill(tree.below_me)
    held.clear_temp(spec)
    crash_point(f"{spec.step}-done")
    try:
        write_json(path.with_name(f"{spec.step}.result.json"), mask_of(spec).value(result))
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        return EXIT_NO_ROOM
    crash_point(f"{spec.step}-told")
    return 0


def _do(spec: Spec, stop: Stop) -> Result:
    if spec.step == "recipe":
        from jarvis_lib.execution import recipe

        return recipe.run(spec, stop)
    if spec.repository is not None:
        from jarvis_lib.execution import repository_steps

        return repository_steps.baseline(spec) if spec.step == "baseline" else repository_steps.prove(spec, stop)
    from jarvis_lib.execution import prove

    return prove.baseline(spec, stop) if spec.step == "baseline" else prove.prove(spec, stop)


def _stand_back() -> None:
    """The person's own programs go first: for the processor, and when memory runs out. Children inherit both."""
    os.nice(_NICE)
    try:
        Path("/proc/self/oom_score_adj").write_text(_OOM_SCORE)
    except OSError:
        return  # not Linux, or a container that forbids it; the memory limit holds all the same


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
