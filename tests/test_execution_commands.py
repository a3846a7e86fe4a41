"""Commands: how they end, what they print, and that nothing of them is alive afterwards."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from jarvis_lib.execution import tree
from jarvis_lib.execution.engine import kill_leftovers
from jarvis_lib.execution.sandbox import levels
from jarvis_lib.model.task import Recipe
from tests.execution_parts import Bench, bench, command, gone, pid_in, task_of

__all__ = ["bench"]

STUBBORN = "(setsid sh -c 'trap \"\" TERM HUP INT; echo $$ > daemon.pid; while :; do sleep 1; done' &) ; "


def test_a_command_that_ends_well_is_finished(bench: Bench) -> None:
    """Exit 0 is the outcome finished, with its seconds, its log and one sentence."""
    result = bench.run(command("echo made it"))
    assert result["outcome"] == "finished"
    assert result["exit_code"] == 0
    assert result["tail"] == "made it"
    assert Path(result["log"]).read_text() == "made it\n"
    kinds = {e["kind"]: e for e in result["evidence"]}
    assert kinds["exit"]["ok"] is True
    assert levels.said("none", levels.machine()) in kinds["isolation"]["said"]


def test_a_command_that_fails_says_its_code_and_its_last_line(bench: Bench) -> None:
    """The sentence is what a person needs first: the exit code and the last line."""
    result = bench.run(command("echo first; echo the disk is full >&2; exit 3"))
    assert (result["outcome"], result["exit_code"]) == ("failed", 3)
    assert "exit 3" in result["said"] and "the disk is full" in result["said"]


def test_a_program_that_is_not_there_is_exit_127(bench: Bench) -> None:
    """The sentence names the program."""
    result = bench.run(task_of(Recipe("command", argv=("no-such-program", "x"))))
    assert (result["outcome"], result["exit_code"]) == ("failed", 127)
    assert "'no-such-program' was not found" in result["said"]


def test_a_file_that_may_not_be_run_is_exit_126(bench: Bench) -> None:
    """A script without the execute bit is told how to get it."""
    (bench.home / "script").write_text("#!/bin/sh\n")
    result = bench.run(task_of(Recipe("command", argv=("./script",))))
    assert result["exit_code"] == 126 and "chmod +x" in result["said"]


def test_a_folder_that_is_not_there_is_named(bench: Bench) -> None:
    """A recipe in a missing folder fails with its path, not with a traceback."""
    result = bench.run(task_of(Recipe("command", argv=("true",), cwd="nowhere")))
    assert result["outcome"] == "failed" and "nowhere" in result["said"]


def test_a_command_runs_in_its_own_folder_with_stdin_closed(bench: Bench) -> None:
    """cwd is the recipe's; reading from stdin ends at once."""
    (bench.home / "app").mkdir()
    result = bench.run(task_of(Recipe("command", shell="pwd; cat; echo end", cwd="app")))
    assert result["tail"].splitlines() == [str(bench.home / "app"), "end"]


def test_the_environment_is_clean(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """No secret, no workspace; only the basics, what was granted, and the attempt's tag."""
    for name in ("SECRET_KEY", "GRANTED", "JARVIS_HOME", "PYTHONPATH"):
        monkeypatch.setenv(name, "value")
    result = bench.run(task_of(Recipe("command", argv=("env",))), more={"pass_env": ["GRANTED", "JARVIS_HOME"]})
    seen = dict(line.split("=", 1) for line in result["tail"].splitlines())
    assert not {"SECRET_KEY", "JARVIS_HOME", "PYTHONPATH"} & set(seen)
    assert seen["GRANTED"] == "value" and seen["JARVIS_ATTEMPT"] == bench.attempt


def test_a_workspace_cannot_shadow_the_worker(bench: Bench) -> None:
    """A json.py in the workspace is not imported by the worker."""
    (bench.home / "json.py").write_text("raise SystemExit('hijacked')")
    assert bench.run(command("true"))["outcome"] == "finished"


def test_a_stubborn_daemon_in_its_own_session_dies_at_the_deadline(bench: Bench) -> None:
    """It ignores TERM and has left the group: it is dead all the same when the result is there."""
    result = bench.run(command(STUBBORN + "sleep 60"), left=2.5)
    assert result["outcome"] == "timed_out"
    assert not tree.exists(pid_in(bench.home / "daemon.pid"))
    assert bench.alive() == []


def test_what_a_finished_command_leaves_behind_is_ended_and_told(bench: Bench) -> None:
    """A daemon does not outlive its attempt, even when it clears its environment."""
    line = "setsid env -i sh -c 'echo $$ > daemon.pid; sleep 60' & while [ ! -s daemon.pid ]; do :; done"
    result = bench.run(command(line))
    assert result["outcome"] == "finished"
    assert "left behind" in result["said"]
    assert not tree.exists(pid_in(bench.home / "daemon.pid"))


def test_fifty_megabytes_of_output_are_capped(bench: Bench) -> None:
    """Head and tail are kept, the middle is counted, the worker stays small and the command is not hurt."""
    line = "echo the head; head -c 52428800 /dev/zero | tr '\\0' x; echo; printf 'the \\033[31mtail\\033[0m\\n'"
    result = bench.run(command(line), output_bytes=100_000)
    assert result["outcome"] == "finished"
    log = Path(result["log"]).read_bytes()
    assert len(log) < 101_000 and log.startswith(b"the head") and b"left out here" in log
    assert log.endswith(b"tail\x1b[0m\n")
    assert result["tail"].endswith("the tail")
    isolation = next(e for e in result["evidence"] if e["kind"] == "isolation")
    assert isolation["detail"]["output_total"] > 52_428_800


def test_a_memory_hog_is_stopped(bench: Bench) -> None:
    """The limit counts the whole tree; the sentence says what happened."""
    hog = "import time; x = bytearray(400 << 20); time.sleep(60)"
    result = bench.run(command(f"{sys.executable} -c '{hog}' & wait"), memory_bytes=200 << 20)
    assert result["outcome"] == "failed"
    assert "more than 200.0 MB of memory" in result["said"]
    assert bench.alive() == []


def test_stop_ends_the_tree_and_gives_the_asked_outcome(bench: Bench) -> None:
    """`stop` does not wait, may be asked twice, and `poll` brings the outcome."""
    handle = bench.submit(command(STUBBORN + "sleep 60"))
    daemon = pid_in(bench.home / "daemon.pid")
    begin = time.monotonic()
    bench.engine.stop(handle, "timed_out")
    bench.engine.stop(handle, "stopped")
    assert time.monotonic() - begin < 0.2
    assert bench.wait(handle)["outcome"] == "timed_out"
    assert not tree.exists(daemon)


def test_a_worker_that_does_not_listen_is_killed_with_its_tree(bench: Bench) -> None:
    """A frozen worker cannot end anything; the engine does it in its place."""
    handle = bench.submit(command(STUBBORN + "sleep 60"))
    daemon = pid_in(bench.home / "daemon.pid")
    handle.process.send_signal(signal.SIGSTOP)
    bench.engine.stop(handle, "stopped")
    handle.kill_at = time.monotonic()
    result = bench.wait(handle)
    assert result["outcome"] == "stopped" and "by force" in result["said"]
    assert gone(daemon) and bench.alive() == []


def test_a_killed_worker_is_died_and_its_tree_is_swept(bench: Bench) -> None:
    """kill -9 of the worker is the outcome died, never silence; what it left is found by its tag."""
    handle = bench.submit(command(STUBBORN + "sleep 60"))
    daemon = pid_in(bench.home / "daemon.pid")
    handle.process.kill()
    result = bench.wait(handle)
    assert result["outcome"] == "died" and "signal 9 (KILL)" in result["said"]
    assert gone(daemon) and bench.alive() == []


def test_a_worker_that_cannot_read_its_spec_died_with_its_last_words(bench: Bench) -> None:
    """A broken spec is told with the error's last line."""
    result = bench.run(command("true"), more={"v": 99})
    assert result["outcome"] == "died" and "version 99" in result["said"]


def test_the_worker_dies_with_its_session(bench: Bench) -> None:
    """kill -9 of the process that submitted leaves nothing alive, and nobody has to sweep."""
    script = (
        "import json, sys, time; from jarvis_lib.execution.engine import LocalEngine\n"
        "LocalEngine().submit(json.loads(sys.argv[1])); print('submitted', flush=True); time.sleep(60)"
    )
    spec = json.dumps(bench.spec(command(STUBBORN + "sleep 60")))
    session = subprocess.Popen([sys.executable, "-c", script, spec], stdout=subprocess.PIPE)
    daemon = pid_in(bench.home / "daemon.pid")
    session.kill()
    session.communicate()
    assert gone(daemon)
    assert all(gone(pid) for pid in bench.alive())


def test_leftovers_are_found_by_their_tag(bench: Bench) -> None:
    """After a crash everything that carries the attempt is killed, and nothing else."""
    tagged = [subprocess.Popen(["sleep", "60"], env=os.environ | {"JARVIS_ATTEMPT": "gone1"}) for _ in range(2)]
    other = subprocess.Popen(["sleep", "60"], env=os.environ | {"JARVIS_ATTEMPT": "gone10"})
    try:
        assert kill_leftovers(["gone1"]) == 2
        assert [p.wait() for p in tagged] == [-9, -9]
        assert other.poll() is None
        assert kill_leftovers([]) == 0
    finally:
        other.kill()
        other.wait()


def test_close_ends_everything(bench: Bench) -> None:
    """Nothing of three running attempts is alive after close."""
    handles = [bench.submit(command("sleep 60")) for _ in range(3)]
    bench.engine.close()
    assert all(h.process.poll() is not None for h in handles)
    assert bench.alive() == []


def test_a_worker_knows_no_store_and_starts_light() -> None:
    """The worker and its command recipe load neither the store nor anything heavy."""
    heavy = "duckdb polars papermill numpy sklearn altair nbformat jupyter_client psutil"
    code = f"import sys; from jarvis_lib.execution import prove, recipe, worker; print([m for m in '{heavy}'.split() if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert found.strip() == "[]"
