"""Run a command of the person's with a document on its standard input. How did it end, and what did it print?

It runs in a process of its own that adopts what it leaves behind, so that at the end of its time nothing of it is alive, daemons included.
"""

import json
import os
import signal
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jarvis_lib.execution import tree
from jarvis_lib.execution.fixes.child import NEVER_STARTED, ask, python
from jarvis_lib.execution.output import Output
from jarvis_lib.execution.processes import Bounds, run, said_ended, shell
from jarvis_lib.execution.secrets import Mask
from jarvis_lib.execution.spec import BASIC_ENVIRONMENT

TRY_AGAIN = 75
"""With this exit code (EX_TEMPFAIL) a hook asks to be run once more later."""
GRACE_S = 2.0
KEPT_BYTES = 64 * 1024
_START_S = 30.0


@dataclass(frozen=True, slots=True)
class HookEnd:
    """`ok` when it ended with exit 0; `again` when it asked to be run once more; `printed` is the end of what it printed."""

    ok: bool
    again: bool
    said: str
    printed: str


def run_hook(line: str, document: str, *, cwd: Path, limit_s: float, extra: Mapping[str, str], secrets: Sequence[str] = ()) -> HookEnd:
    """Run `line` by the shell with `document` on its input. It never takes longer than `limit_s` and a little, and leaves no process behind."""
    env = {name: os.environ[name] for name in BASIC_ENVIRONMENT if name in os.environ} | dict(extra)
    with tempfile.TemporaryDirectory(prefix="jarvis-hook-") as folder:
        asked, given = Path(folder) / "hook.json", Path(folder) / "given.json"
        given.write_text(document + "\n", encoding="utf-8")
        asked.write_text(json.dumps({"line": line, "given": str(given), "cwd": str(cwd), "limit_s": limit_s, "env": env}), encoding="utf-8")
        asked.chmod(0o600)
        answer = ask(python("jarvis_lib.execution.hooks:main", str(asked)), cwd=cwd, limit_s=limit_s + GRACE_S + _START_S)
        ended = Path(folder) / "ended.json"
        if not ended.exists():
            return HookEnd(False, answer.code == NEVER_STARTED, f"the hook {answer.said}", "")
        told = json.loads(ended.read_text(encoding="utf-8"))
    hide = Mask(secrets)
    code = told["exit_code"]
    return HookEnd(told["how"] == "exited" and code == 0, told["how"] == "exited" and code == TRY_AGAIN, hide.text(told["said"]), hide.text(told["printed"]))


def main(words: Sequence[str]) -> int:
    """In the hook's own process: run it within its bounds and write down how it ended."""
    path = Path(words[0])
    asked = json.loads(path.read_text(encoding="utf-8"))
    stopped = [False]

    def stop(number: int, frame: object) -> None:
        stopped[0] = True

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, stop)
    tree.adopt_orphans(signal.SIGHUP)
    bounds = Bounds(asked["limit_s"], 0, GRACE_S)
    out = Output(None, KEPT_BYTES)
    with open(asked["given"], "rb") as given:
        ended = run(shell(asked["line"]), cwd=Path(asked["cwd"]), env=asked["env"], bounds=bounds, out=out, given=given.fileno(), stop=lambda: stopped[0])
    out.close()
    said = said_ended("the command", ended, bounds, out.last_line() if ended.exit_code or ended.how != "exited" else "")
    told = {"how": ended.how, "exit_code": ended.exit_code, "said": said, "printed": out.tail()}
    temporary = path.with_name("ended.tmp")
    temporary.write_text(json.dumps(told), encoding="utf-8")
    os.replace(temporary, path.with_name("ended.json"))
    return 0
