"""What a session asks of a worker: one step of one attempt, as a JSON file. The same spec serves every engine."""

import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jarvis_lib.execution.tree import TAG
from jarvis_lib.model.task import Task, task_from_json

STEPS = ("baseline", "recipe", "prove")
BASIC_ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "USER", "LOGNAME", "TMPDIR")
NEVER_PASSED = ("JARVIS_HOME",)


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds and bytes; `memory_bytes` is resident memory of the whole tree, 0 for no limit."""

    wall_s: float
    output_bytes: int
    memory_bytes: int
    check_s: float
    grace_s: float
    idle_s: float = 0.0
    processes: int = 0
    file_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Holding:
    """How what runs is held: the sandbox's level, what it may reach (`network`: none, hosts or all; `hosts` by name) and read beside its own.

    `own`: it works on the person's own files in the workspace, by their own command.
    """

    level: str = "none"
    own: bool = True
    network: str = "none"
    hosts: tuple[str, ...] = ()
    readable: tuple[str, ...] = ()
    secrets_file: str = ""
    keyring: bool = False


@dataclass(frozen=True, slots=True)
class RepositoryWork:
    """A task's private copy: the person's repository, the folder of the copy (`folder/copy`), the branch of the result, where it starts.

    `start` is a commit or branch, empty for what the person has checked out. `unfinished`: the time was over, so the proof only collects.
    """

    repo: Path
    folder: Path
    branch: str
    start: str = ""
    base: str = ""
    unfinished: bool = False
    largest_diff: int = 2000


@dataclass(frozen=True, slots=True)
class AgentWork:
    """Which agent, and within which limits. `session` goes on with an earlier one, whose follow-up this is."""

    name: str
    program: str = ""
    model: str = ""
    session: str = ""
    permission: str = "full"
    max_cost: float = 0.0
    max_turns: int = 0
    idle_s: float = 0.0
    login: bool = True
    template: str = ""
    touch: str = ""


@dataclass(frozen=True, slots=True)
class Spec:
    """One step. `deadline` is epoch seconds; `before` and `measured` come from the baseline and are empty until then."""

    step: str
    attempt: str
    task: Task
    home: Path
    dir: Path
    deadline: float
    limits: Limits
    pass_env: tuple[str, ...]
    seed: int
    as_of: str
    before: tuple[dict[str, Any], ...]
    measured: dict[str, list[float]]
    parent: int
    elsewhere: tuple[str, ...] = ()
    """Paths that other attempts of the session may change meanwhile; what changes there is theirs."""
    holding: Holding = Holding()
    repository: RepositoryWork | None = None
    agent: AgentWork | None = None

    @property
    def out_dir(self) -> Path:
        """Where the attempt may leave files for the person."""
        return self.dir / "out"

    @property
    def kept(self) -> Path:
        """Where the baseline keeps the declared files, laid out by their path below the workspace."""
        return self.home / "data" / "kept" / self.attempt / "before"

    def left_s(self) -> float:
        """Seconds until the deadline; negative after it."""
        return self.deadline - time.time()

    def environment(self) -> dict[str, str]:
        """The clean environment with what was granted by name, and the attempt that runs."""
        return clean_environment(self.pass_env, self.attempt)


def read_spec(path: Path) -> Spec:
    """The spec in the file. Raises ValueError for another version and KeyError for what is missing."""
    raw = json.loads(path.read_text(encoding="utf-8"))
    if raw.get("v") != 1 or raw.get("step") not in STEPS:
        raise ValueError(f"{path.name}: version {raw.get('v')!r}, step {raw.get('step')!r} is not for this worker")
    return Spec(
        step=raw["step"],
        attempt=raw["attempt"],
        task=task_from_json(raw["task"]),
        home=Path(raw["home"]),
        dir=Path(raw["dir"]),
        deadline=float(raw["deadline"]),
        limits=_limits(raw["limits"]),
        pass_env=tuple(raw.get("pass_env", ())),
        seed=int(raw["seed"]),
        as_of=raw["as_of"],
        before=tuple(raw.get("before") or ()),
        measured=dict(raw.get("measured") or {}),
        parent=int(raw.get("parent", 0)),
        elsewhere=tuple(raw.get("elsewhere") or ()),
        holding=_holding(raw.get("holding") or {}),
        repository=_repository(raw["repository"]) if raw.get("repository") else None,
        agent=AgentWork(**raw["agent"]) if raw.get("agent") else None,
    )


def clean_environment(pass_env: Sequence[str], attempt: str, source: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of an attempt: the basics, what the person granted by name, and the attempt's tag. Never the workspace."""
    have = os.environ if source is None else source
    names = (*BASIC_ENVIRONMENT, *(n for n in pass_env if n not in NEVER_PASSED))
    return {name: have[name] for name in names if name in have} | {TAG: attempt}


def _holding(raw: Mapping[str, Any]) -> Holding:
    return Holding(**(dict(raw) | {name: tuple(raw.get(name, ())) for name in ("hosts", "readable")}))


def _repository(raw: Mapping[str, Any]) -> RepositoryWork:
    return RepositoryWork(**(dict(raw) | {"repo": Path(raw["repo"]), "folder": Path(raw["folder"])}))


def _limits(raw: Mapping[str, Any]) -> Limits:
    return Limits(
        wall_s=float(raw["wall_s"]),
        output_bytes=int(raw["output_bytes"]),
        memory_bytes=int(raw["memory_bytes"]),
        check_s=float(raw["check_s"]),
        grace_s=float(raw["grace_s"]),
        idle_s=float(raw.get("idle_s", 0.0)),
        processes=int(raw.get("processes", 0)),
        file_bytes=int(raw.get("file_bytes", 0)),
    )
