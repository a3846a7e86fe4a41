"""Limits hold a command, whatever it does: silence, files, processes, memory, output, descriptors; and the kernel helps where it lets us."""

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from jarvis_lib.execution import cgroup, tree
from tests.execution_parts import Bench, bench, command, gone, notebook, pid_in

__all__ = ["bench"]

MB = 1 << 20
WITHOUT = "(setsid sh -c 'trap \"\" TERM HUP INT; while :; do sleep 1; done' &) "


def groups() -> list[Path]:
    """The control groups of Jarvis that stand on this machine for this process or one below it."""
    return [p for top in ("pids", "memory") for p in (cgroup.TOP / top).rglob("jarvis-*-*")]


def has_groups() -> bool:
    with cgroup.held(processes=10, memory_bytes=64 * MB) as group:
        return bool(group.folders)


needs_groups = pytest.mark.skipif(not has_groups(), reason="this machine does not let us make control groups")


def test_silence_is_ended_and_told_and_words_keep_it_alive(bench: Bench) -> None:
    silent = bench.run(command("echo once; sleep 60"), idle_s=0.6)
    assert silent["outcome"] == "timed_out" and "printed nothing for" in silent["said"] and "once" in silent["said"] and silent["seconds"] < 10
    assert bench.run(command("for i in 1 2 3 4 5 6; do echo $i; sleep 0.3; done"), idle_s=1.2)["outcome"] == "finished"


def test_half_a_line_is_no_silence(bench: Bench) -> None:
    """A bar that grows without ending its line is heard, also while the mask holds it back."""
    assert bench.run(command("for i in 1 2 3 4 5 6; do printf .; sleep 0.3; done"), idle_s=1.2)["outcome"] == "finished"


@pytest.mark.parametrize("line", ["head -c 9000000 /dev/zero > big", "exec head -c 9000000 /dev/zero > big", "(head -c 9000000 /dev/zero > big); exit $?"])
def test_a_file_that_grows_too_large_ends_its_writer_and_is_told(line: str, bench: Bench) -> None:
    result = bench.run(command(line), file_bytes=4 * MB)
    assert result["outcome"] == "failed" and "wrote a file larger than 4.0 MB" in result["said"], result["said"]
    assert (bench.home / "big").stat().st_size == 4 * MB


def test_a_limit_of_files_does_not_touch_what_is_printed(bench: Bench) -> None:
    """The log is ours: it has its own limit."""
    result = bench.run(command("head -c 9000000 /dev/zero | tr '\\0' x"), file_bytes=4 * MB, output_bytes=8 * MB)
    assert result["outcome"] == "finished" and Path(result["log"]).stat().st_size > 8 * MB - 10


def test_a_notebook_has_the_limit_of_files_and_of_processes_too(bench: Bench) -> None:
    book = notebook(bench.home, "open('big', 'wb').write(bytes(9_000_000))")
    result = bench.run(book, file_bytes=4 * MB)
    assert result["outcome"] == "failed" and "File too large" in result["tail"] + result["said"]
    book = notebook(bench.home, "import subprocess, time\nmany = [subprocess.Popen(['sleep', '60']) for _ in range(60)]\ntime.sleep(60)")
    result = bench.run(book, processes=40)
    assert result["outcome"] == "failed" and "more than 40 processes" in result["said"] and result["seconds"] < 30
    assert bench.alive() == []


@pytest.mark.long
@pytest.mark.parametrize("bomb", ["f() { f | f & }; f; sleep 60", f"{sys.executable} -c 'import os\nwhile True:\n try: os.fork()\n except OSError: pass'"])
def test_a_fork_bomb_is_over_within_seconds_and_the_machine_goes_on(bomb: str, bench: Bench) -> None:
    begin = time.monotonic()
    result = bench.run(command(bomb), processes=150)
    assert result["outcome"] == "failed" and "more than 150 processes" in result["said"], result["said"]
    assert time.monotonic() - begin < 25 and bench.alive() == [] and bench.run(command("true"))["outcome"] == "finished"


def test_sixty_processes_of_their_own_sessions_die_with_the_command(bench: Bench) -> None:
    """They double fork, leave the session and ignore TERM; the command itself ends well."""
    result = bench.run(command(f"for i in $(seq 60); do {WITHOUT}; done; sleep 0.5"), grace_s=0.3)
    assert result["outcome"] == "finished" and "left behind" in result["said"] and bench.alive() == []


def test_memory_of_many_small_ones_is_counted_together(bench: Bench) -> None:
    hold = "import time; held = bytearray(40_000_000); time.sleep(60)"
    result = bench.run(command(f"for i in 1 2 3 4 5 6 7 8; do {sys.executable} -c '{hold}' & done; wait"), memory_bytes=200 * MB)
    assert result["outcome"] == "failed" and "of memory" in result["said"] and bench.alive() == []


def test_there_are_no_core_files_and_no_end_of_descriptors(bench: Bench) -> None:
    result = bench.run(command("ulimit -c; ulimit -n"))
    core, descriptors = result["tail"].split()
    assert core == "0" and int(descriptors) <= 65536


def test_a_limit_never_rises_above_the_persons_own(bench: Bench) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 999), hard))
    try:
        assert bench.run(command("ulimit -n"))["tail"].strip() == str(min(soft, 999))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("how", ["yes", "head -c 600000000 /dev/zero", "yes '\033]0;title\007\377\376'"])
def test_floods_of_any_bytes_cost_the_limit_and_no_more(how: str, bench: Bench) -> None:
    """Lines, one line without an end, escapes and bytes that are no text; half a gigabyte of it, or as much as comes in three seconds."""
    result = bench.run(command(f"timeout 3 {how} | head -c 500000000"), output_bytes=256 * 1024)
    log = Path(result["log"])
    assert result["outcome"] == "finished" and log.stat().st_size < 300 * 1024 and "left out" in log.read_text(errors="replace")
    assert "\x1b" not in result["tail"] and "\x07" not in result["tail"]


def test_dead_orphans_are_collected_and_the_commands_own_exit_is_not(bench: Bench) -> None:
    """Six hundred of them, while the command goes on; how it ended is still told."""
    orphans = "for i in $(seq 600); do (true &) ; done; sleep 1"
    count = f"{sys.executable} -c \"import psutil; print(sum(p.status() == 'zombie' for p in psutil.Process($PPID).children()))\""
    result = bench.run(command(f"{orphans}; {count}; exit 3"), memory_bytes=500 * MB)
    assert result["exit_code"] == 3 and int(result["tail"].split()[-1]) < 50, result["tail"]


@needs_groups
def test_the_kernel_holds_memory_that_grows_faster_than_one_can_look(bench: Bench) -> None:
    """Two hundred megabytes more than allowed, written and given back between two looks."""
    grow = "held = bytearray(b'x') * 400_000_000; del held"
    result = bench.run(command(f'{sys.executable} -c "{grow}"'), memory_bytes=150 * MB)
    assert result["outcome"] == "failed" and "used more than 150.0 MB of memory" in result["said"], result["said"]


@needs_groups
def test_what_goes_on_after_the_kernel_took_a_process_is_ended_too(bench: Bench) -> None:
    """The kernel ends one process of the tree; a command that would sleep on is over at the next look and not a minute later."""
    grow = "held = bytearray(b'x') * 400_000_000"
    result = bench.run(command(f'{sys.executable} -c "{grow}"; sleep 60'), memory_bytes=150 * MB)
    assert result["outcome"] == "failed" and "used more than 150.0 MB of memory" in result["said"] and result["seconds"] < 20, result


@needs_groups
def test_groups_are_gone_afterwards_however_it_ended(bench: Bench) -> None:
    for line, more in (("true", {}), ("sleep 60", {"wall_s": 0.5}), (f"{WITHOUT}; true", {"grace_s": 0.2})):
        own: dict[str, Any] = {"memory_bytes": 500 * MB, "processes": 100} | more
        bench.run(command(line), **own)
    assert [g for g in groups() if not tree.exists(int(g.name.split("-")[1]))] == []


@needs_groups
def test_the_group_of_a_killed_worker_is_swept_by_the_next_one_with_what_lives_in_it(bench: Bench) -> None:
    handle = bench.submit(command("echo $$ > pid; exec env -i sleep 600"), memory_bytes=500 * MB, processes=100)
    child = pid_in(bench.home / "pid")
    left = [g for g in groups() if g.name.split("-")[1] == str(handle.process.pid)]
    os.kill(handle.process.pid, signal.SIGKILL)
    handle.process.wait()
    assert left and tree.exists(child)
    with cgroup.held(processes=10, memory_bytes=MB):
        assert gone(child) and not any(g.exists() for g in left)


def test_without_control_groups_everything_runs_as_before(tmp_path: Path) -> None:
    (tmp_path / "pids").mkdir()
    with cgroup.held(processes=10, memory_bytes=MB, top=tmp_path) as group:
        assert group.folders == () and not group.out_of_memory()
        group.enter()
    assert list((tmp_path / "pids").iterdir()) == []


def test_a_user_who_may_make_no_groups_is_not_refused(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("this is already a plain user")
    code = "from jarvis_lib.execution import cgroup\nwith cgroup.held(processes=10, memory_bytes=1 << 20) as g: print(g.folders)"
    python = Path(sys.base_prefix) / "bin" / "python3"
    try:
        subprocess.run([str(python), "-c", "pass"], user=65534, capture_output=True, check=True, cwd="/")
    except (PermissionError, subprocess.CalledProcessError):
        pytest.skip("another user cannot run this Python")
    done = subprocess.run([str(python), "-c", code], user=65534, capture_output=True, text=True, check=False, cwd=Path(cgroup.__file__).parents[2])
    assert done.stdout.strip() == "()", done.stderr


@pytest.mark.skipif(not os.path.isdir("/dev/shm") or os.stat("/dev/shm").st_dev == os.stat("/tmp").st_dev, reason="needs a second file system")
def test_the_file_system_of_temporary_files_counts_too(tmp_path: Path) -> None:
    """Asked of a process whose TMPDIR is another file system, with a floor between the free space of the two."""
    free = {place: os.statvfs(place).f_bavail * os.statvfs(place).f_frsize / 1024**3 for place in (str(tmp_path), "/dev/shm")}
    if free["/dev/shm"] >= free[str(tmp_path)]:
        pytest.skip("the second file system has more room")
    floor = (free["/dev/shm"] + free[str(tmp_path)]) / 2
    code = (
        "from pathlib import Path\n"
        "from jarvis_lib.execution.room import room\n"
        "from jarvis_lib.model.settings import parse\n"
        f"print(room(Path({str(tmp_path)!r}), parse('[limits]\\ndisk_floor_gb = {floor:.3f}\\nbusy_share = 1.0')))"
    )
    found = {}
    for temp in (str(tmp_path), "/dev/shm"):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=os.environ | {"TMPDIR": temp}, check=False)
        assert done.returncode == 0, done.stderr
        found[temp] = done.stdout.strip()
    assert found[str(tmp_path)] == "" and "disk of /dev/shm are free" in found["/dev/shm"]
