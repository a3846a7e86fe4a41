"""How is git asked? With its own environment left out, no hooks, no prompts, no background work, and a limit of time."""

import glob
import os
from collections.abc import Sequence
from pathlib import Path

from jarvis_lib.execution.fixes.child import Answer, ask
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean

LOOK_S = 10.0
_QUIET = ("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "gc.auto=0", "-c", "maintenance.auto=false")


def git(top: Path, *words: str, limit_s: float = LOOK_S) -> Answer:
    """What `git WORDS` says in the repository at `top`, whatever its exit code."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    env |= {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}
    return ask(["git", *_QUIET, *words], cwd=top, limit_s=limit_s, env=env)


def told(top: Path, *words: str, limit_s: float = LOOK_S) -> str:
    """What `git WORDS` prints. Raises Refused with its last line when it fails."""
    answer = git(top, *words, limit_s=limit_s)
    if answer.code:
        raise Refused(f"git {clean(words[0])} in {clean(str(top))} {answer.said}.", code="failed")
    return answer.text


def repositories(home: Path, patterns: Sequence[str]) -> list[Path]:
    """The folders that match and hold a repository, by their real paths."""
    names = (n for p in patterns for n in glob.iglob(os.path.expanduser(p), root_dir=home, recursive=True))
    return sorted({real for n in names if n.isprintable() and git_dir(real := Path(os.path.realpath(home / n))) is not None})


def git_dir(top: Path) -> Path | None:
    """Where a repository keeps its refs and objects: `top/.git`, or `top` itself when it is bare. None when it is neither.

    A linked worktree has none of its own; its repository is to be named instead.
    """
    for inner in (top / ".git", top):
        if (inner / "HEAD").is_file() and (inner / "objects").is_dir() and (inner / "refs").is_dir() and not (inner / "commondir").exists():
            return inner
    return None
