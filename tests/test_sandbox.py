"""Does the sandbox hold against real attacks, and is it seen when it does not? Each level that this machine has; a plain user as well as root."""

import hashlib
import json
import marshal
import os
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import nbformat
import pytest

from jarvis_lib.execution import held, tree
from jarvis_lib.execution.output import Output
from jarvis_lib.execution.own_state import OWN_STATE
from jarvis_lib.execution.papermill_run import Limits, run_notebook
from jarvis_lib.execution.processes import Bounds, Ended
from jarvis_lib.execution.processes import run as run_process
from jarvis_lib.execution.sandbox import inside
from jarvis_lib.execution.sandbox.canary import Canary, escape
from jarvis_lib.execution.sandbox.enter import enter, kernel_in
from jarvis_lib.execution.sandbox.jail import LEVELS, Jail
from jarvis_lib.execution.sandbox.levels import OTHER_USER, fell, machine, resolve, said
from jarvis_lib.execution.sandbox.owners import prepare_owner, take_back
from jarvis_lib.execution.spec import Holding, Spec, clean_environment
from jarvis_lib.execution.spec import Limits as AttemptLimits
from jarvis_lib.model.fact import Refused
from tests.facts import task

ROOT = Path(__file__).parent.parent
IS_ROOT = os.getuid() == 0
HERE = machine().levels
linux = pytest.mark.skipif(sys.platform != "linux", reason="sandboxes exist on Linux only")
as_root = pytest.mark.skipif(not IS_ROOT, reason="only root can become another user")


def has(level: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(level not in HERE, reason=f"this machine cannot enter {level}: {fell(level, HERE[-1], machine())}")


levels = pytest.mark.parametrize("level", [pytest.param(level, marks=has(level)) for level in ("basic", "strict")])
owners = pytest.mark.parametrize("own_uid", [True, pytest.param(False, marks=as_root)], ids=["own user", "another user"])


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that another user may reach; tmp_path is closed to them."""
    folder = Path(os.path.realpath(tempfile.mkdtemp(prefix="jarvis-test-")))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def jail_in(place: Path, level: str, **more: Any) -> Jail:
    work, temp = place / "work", place / "temp"
    for folder in (work, temp):
        folder.mkdir(exist_ok=True)
    return Jail(level, work, temp, **({"writable": (work,)} | more))


def run(argv: Sequence[str], jail: Jail, **env: str) -> "subprocess.CompletedProcess[str]":
    prepare_owner(jail)
    try:
        started = enter(argv, jail)
        environment = {"PATH": os.environ["PATH"]} | env
        return subprocess.run(started, cwd=jail.cwd, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False)
    finally:
        take_back(jail)


def python(code: str, jail: Jail, **env: str) -> str:
    done = run([sys.executable, "-c", code], jail, **env)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


# --- what works inside ------------------------------------------------------------------------------------------------------------


@linux
@levels
@owners
def test_a_program_runs_with_our_python_and_writes_where_it_may(place: Path, level: str, own_uid: bool) -> None:
    """Python with its libraries and this package; the working folder, HOME and TMPDIR can be written; the files are ours afterwards."""
    code = """
import os, pathlib, jarvis_lib, click
assert jarvis_lib.__file__, 'an empty folder of that name is no package'
for folder in ('.', pathlib.Path.home(), os.environ['TMPDIR']):
    (pathlib.Path(folder) / 'made').write_text('x')
"""
    jail = jail_in(place, level, own_uid=own_uid)
    assert python(code + "print(os.getuid(), os.getcwd())", jail) == f"{os.getuid() if own_uid else OTHER_USER} {jail.cwd}"
    assert (jail.cwd / "made").stat().st_uid == os.getuid() and (jail.temp / "made").exists()


@linux
@levels
def test_names_of_folders_may_hold_anything(place: Path, level: str) -> None:
    """Blanks, quotes, a newline, unicode, a leading dash."""
    work = place / "-a b'\"$(id)\n日本"
    work.mkdir()
    jail = Jail(level, work, _temp(place), writable=(work,), own_uid=True)
    assert python(f"open('made', 'w').write('x'); import os; print(os.getcwd() == {str(work)!r})", jail) == "True"
    assert (work / "made").read_text() == "x"


def _temp(place: Path) -> Path:
    (place / "temp").mkdir(exist_ok=True)
    return place / "temp"


@linux
@levels
def test_the_environment_stands_on_no_command_line(place: Path, level: str) -> None:
    """It is inherited; the attempt's mark can be read from outside, so what belongs to an attempt is found."""
    jail = jail_in(place, level, own_uid=True)
    started = enter(["/bin/sh", "-c", "read x"], jail)
    assert not any("s3cret" in word for word in started)
    with subprocess.Popen(started, cwd=jail.cwd, env={"PATH": os.environ["PATH"], tree.TAG: "test-mark", "TOKEN": "s3cret"}, stdin=subprocess.PIPE) as process:
        time.sleep(0.3)
        found = tree.tagged(["test-mark"])
        lines = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in found]
        process.communicate(b"\n", timeout=10)
    assert any(line.startswith(b"/bin/sh\0-c\0read x") for line in lines) and not any(b"s3cret" in line for line in lines)


@linux
@levels
def test_how_a_program_ends_is_told_as_it_was(place: Path, level: str) -> None:
    """Its exit code; 127 for one that is not there, 126 for one that cannot be run."""
    jail = jail_in(place, level, own_uid=True)
    (jail.cwd / "plain").write_text("x")
    assert [run(argv, jail).returncode for argv in (["/bin/sh", "-c", "exit 7"], ["no-such-program"], [str(jail.cwd / "plain")])] == [7, 127, 126]


def test_none_changes_nothing(tmp_path: Path) -> None:
    """The argv stays as it was."""
    assert enter(["a", "b"], Jail("none", tmp_path, tmp_path)) == ["a", "b"]


@linux
@levels
def test_what_others_may_take_away_keeps_no_jail_from_being_built(place: Path, level: str) -> None:
    """Gone before it is looked for, or between that look and the mount, as the log of a database is."""
    log = place / "app.db-wal"
    gone = jail_in(place, level, writable=(place / "work", log), passing=(log,), own_uid=True)
    assert python("print(1)", gone) == "1"
    log.write_text("x")
    argv = enter([sys.executable, "-c", "print(2)"], gone)
    log.unlink()
    done = subprocess.run(
        argv, cwd=gone.cwd, env={"PATH": os.environ["PATH"]}, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.stdout.strip() == "2", done.stderr


@linux
@levels
def test_a_jail_that_cannot_be_built_is_refused_in_a_sentence(place: Path, level: str) -> None:
    """What is to be written is missing or leads elsewhere; the working folder cannot be seen; missing things to read or hide are left out."""
    (place / "link").symlink_to("/etc")
    fine = jail_in(place, level, readable=(place / "missing",), hidden=(place / "gone",), own_uid=True)
    assert python("print(1)", fine) == "1"
    wrongs = [({"writable": (place / "missing",)}, "is missing"), ({"writable": (place / "link",)}, "leads to /etc")]
    for wrong, words in (*wrongs, *([({"writable": ()}, "may not see")] if level == "strict" else [])):
        with pytest.raises(Refused, match=words):
            enter(["true"], jail_in(place, level, **wrong))


@linux
@has("strict")
def test_a_link_that_an_earlier_run_planted_is_found(place: Path) -> None:
    """Private temp becomes /tmp; where something is mounted below /tmp, a link of the task must not lead it elsewhere."""
    work = Path(os.path.realpath(tempfile.mkdtemp(prefix="jarvis-test-", dir="/tmp")))
    try:
        jail = Jail("strict", work, _temp(place), writable=(work,), own_uid=True)
        (jail.temp / work.name).symlink_to("/etc")
        with pytest.raises(Refused, match="symbolic link"):
            enter(["true"], jail)
    finally:
        work.rmdir()


@linux
@levels
def test_the_deeper_path_counts(place: Path, level: str) -> None:
    """A folder to write inside of a hidden one inside of a readable one: only it is there; a hidden file of a writable folder is not."""
    home = place / "home"
    out = home / "data" / "out"
    out.mkdir(parents=True)
    for name in ("seen", "data/secret", "data/out/hidden"):
        (home / name).write_text("text")
    jail = Jail(level, home, _temp(place), writable=(out,), readable=(home,), hidden=(home / "data", out / "hidden"), own_uid=True)
    code = """
import os
def look(p):
    try: return open(p).read()
    except OSError: return ''
print([look(p) for p in ('seen', 'data/secret', 'data/out/hidden')])
"""
    write = "open('data/out/new', 'w').write('x')\n" if level == "strict" else ""  # at basic a folder that holds something hidden takes no new entry
    assert python(write + code, jail) == "['text', '', '']"
    assert level == "basic" or (out / "new").exists()


@linux
@has("strict")
@owners
def test_chosen_sockets_are_all_the_network_there_is(place: Path, own_uid: bool) -> None:
    """network hosts: the socket that was given answers, loopback is one's own, other listeners are not reached."""
    with socket.socket(socket.AF_UNIX) as given, socket.socket() as other:
        given.bind(str(place / "proxy"))
        given.listen()
        other.bind(("127.0.0.1", 0))
        other.listen()
        code = f"""
import socket
s = socket.socket(socket.AF_UNIX); s.connect({str(place / "proxy")!r}); print('proxy')
own = socket.socket(); own.bind(('127.0.0.1', 0)); own.listen(); socket.create_connection(own.getsockname()); print('loopback')
try: socket.create_connection(('127.0.0.1', {other.getsockname()[1]}), 1); print('OUT')
except OSError as e: print('shut')
"""
        assert python(code, jail_in(place, "strict", network="hosts", sockets=(place / "proxy",), own_uid=own_uid)).split() == ["proxy", "loopback", "shut"]


@linux
@levels
def test_a_network_that_was_granted_is_there(place: Path, level: str) -> None:
    """network all: a listener of this machine answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        code = f"import socket; socket.create_connection(('127.0.0.1', {listener.getsockname()[1]}), 2); print('reached')"
        assert python(code, jail_in(place, level, network="all", own_uid=True)) == "reached"


@linux
@as_root
def test_trees_are_given_and_taken_back_without_following_links(place: Path) -> None:
    """What lies behind a symbolic link keeps its owner, and a set-user bit does not survive."""
    outside = place / "outside"
    outside.write_text("x")
    jail = jail_in(place, HERE[-1])
    (jail.cwd / "link").symlink_to(outside)
    (jail.cwd / "tool").write_text("x")
    (jail.cwd / "tool").chmod(0o4755)
    prepare_owner(jail)
    assert ((jail.cwd / "tool").stat().st_uid, outside.stat().st_uid, (jail.cwd / "link").lstat().st_uid) == (OTHER_USER, 0, OTHER_USER)
    (jail.cwd / "tool").chmod(0o4755)
    take_back(jail)
    assert (jail.cwd / "tool").stat().st_uid == 0 and not (jail.cwd / "tool").stat().st_mode & stat.S_ISUID


# --- attacks on a decoy workspace (A01, A02, A05, A06, A20) -------------------------------------------------------------------------


ATTACKS = {
    "write the store": "echo x >> data/jarvis.duckdb",
    "forge a spool file": "echo '{}' > data/spool/forged.json",
    "write the journal": "echo '{}' >> data/journal/journal-1.jsonl",
    "read the journal": "grep -r DECOY data/journal",
    "read another attempt": "grep -r DECOY data/attempts/other",
    "read the store": "grep DECOY data/jarvis.duckdb",
    "take the lock's place": "mv data/store.lock data/old && touch data/store.lock",
    "move data away": "mv data gone && mkdir data",
    "replace by a link": "ln -sf /dev/null data/jarvis.duckdb",
    "link it into our folder": "ln data/jarvis.duckdb data/attempts/own/out/x && echo x > data/attempts/own/out/x",
    "edit the policy": "echo 'x = 1' >> jarvis.toml",
    "replace the policy": "mv jarvis.toml j2",
    "be the morning's brief": "cd notebooks; echo x >> reports/morning_brief.ipynb; mv reports r2; echo x >> self_improver.ipynb; mv ../notebooks ../n2",
    "umount the mask": "umount data/journal; umount -l data; grep -r DECOY data/journal",
    "mount for writing": "mount -o remount,rw,bind / ; mount -o remount,rw,bind . ; echo x > jarvis.toml",
    "regain by namespaces": "unshare -Urm sh -c 'mount -o remount,rw,bind . && echo x > jarvis.toml'",
    "regain by user": "unshare -U true",
    "another's root": "cat /proc/1/root$PWD/jarvis.toml > data/attempts/own/out/y && echo x > /proc/1/root$PWD/jarvis.toml",
    "hook": "echo 'touch pwned' > .git/hooks/post-checkout",
    "git config": "git config core.fsmonitor 'touch pwned'; echo '[alias] x = !id' >> .git/config",
    "git refs": "git update-ref refs/heads/main HEAD~0; echo 0 > .git/refs/heads/main",
    "git clean": "git clean -fdx; git checkout -f .",
    "git index": "rm -f .git/index .git/HEAD; echo x > .git/HEAD",
    "read a key": "cat ../person/.ssh/id; cat data/crontab-backups/*",
    "write the person's home": "echo x >> ../person/.bashrc",
    "cron": "echo '* * * * * id' | crontab -; echo x > /var/spool/cron/x",
    "a program of the system": "echo x > /usr/local/bin/jarvis-pwned",
    "our own python": "echo 'x' > PYTHON_LIB/jarvis-pwned.pth; echo x >> PACKAGE/__init__.py",
    "a setting of the kernel": "echo '|/tmp/x' > /proc/sys/kernel/core_pattern",
    "raw disk": "head -c 16 /dev/vda /dev/sda /dev/nvme0n1 && echo REACHED",
    "a kernel of JupyterLab": "cd data/jupyter/kernels; echo x > jarvis/kernel.json; mkdir python3; echo x > python3/kernel.json",
    "the keyring of docker": "ls /run/docker.sock /var/run/docker.sock $XDG_RUNTIME_DIR/bus && echo REACHED",
}


def workspace(place: Path) -> Path:
    home = place / "space"
    for folder in (
        "data/spool",
        "data/journal",
        "data/attempts/other",
        "data/attempts/own/out",
        "data/crontab-backups",
        "notebooks/reports",
        "data/jupyter/kernels/jarvis",
        "../person/.ssh",
    ):
        (home / folder).mkdir(parents=True)
    subprocess.run(["git", "-c", "init.defaultBranch=main", "init", "-q", str(home)], check=True)
    for name in (
        "data/jarvis.duckdb",
        "data/store.lock",
        "data/journal/journal-1.jsonl",
        "data/attempts/other/log",
        "jarvis.toml",
        "notebooks/reports/morning_brief.ipynb",
        "notebooks/self_improver.ipynb",
        "data/crontab-backups/table",
        "data/jupyter/kernels/jarvis/kernel.json",
        "../person/.ssh/id",
        "../person/.bashrc",
    ):
        (home / name).write_text("DECOY")
    return home


def hashes(place: Path) -> dict[str, str]:
    """Every file and link but for the attempt's own folder: bytes, mode and kind."""
    found = {}
    for path in sorted(place.rglob("*")):
        if "own" not in path.parts and "temp" not in path.parts:
            content = os.readlink(path).encode() if path.is_symlink() else path.read_bytes() if path.is_file() else b""
            found[str(path)] = f"{stat.filemode(path.lstat().st_mode)} {hashlib.sha256(content).hexdigest()}"
    return found


@linux
@levels
@owners
def test_no_attack_on_the_workspace_works(place: Path, level: str, own_uid: bool) -> None:
    """The jail of a command on the workspace's own files: read, its state hidden, one folder written. No attack changes a byte or reads a decoy."""
    home = workspace(place)
    out = home / "data" / "attempts" / "own" / "out"
    jail = Jail(level, home, _temp(place), writable=(out,), readable=(home,), hidden=tuple(home / name for name in OWN_STATE[1:]), own_uid=own_uid)
    lib = next(p for p in sys.path if p.endswith("site-packages"))
    script = "\n".join(f"( {line} ) 2>/dev/null".replace("PYTHON_LIB", lib).replace("PACKAGE", str(ROOT / "jarvis_lib")) for line in ATTACKS.values())
    package = (ROOT / "jarvis_lib" / "__init__.py").read_bytes()
    before = hashes(place)
    done = run(["/bin/sh", "-c", f"{script}\ntrue"], jail)
    assert done.returncode == 0, done.stderr
    assert hashes(place) == before
    assert "DECOY" not in done.stdout and "REACHED" not in done.stdout
    assert (ROOT / "jarvis_lib" / "__init__.py").read_bytes() == package and not list(Path(lib).glob("jarvis-pwned*"))
    assert not Path("/usr/local/bin/jarvis-pwned").exists() and "DECOY" not in "".join(p.read_text() for p in out.iterdir() if p.name == "x")


@linux
@levels
def test_no_attack_of_the_persons_own_command_reaches_the_state(place: Path, level: str) -> None:
    """The worker's own jail, in which the workspace may be written: its state, settings and repository may not, nor be moved away."""
    home = workspace(place)
    limits = AttemptLimits(60.0, 1000, 0, 10.0, 1.0)
    spec = Spec("recipe", "own", task(), home, home / "data/attempts/own", 0.0, limits, (), 0, "", (), {}, 0, holding=Holding(level=level, own=True))
    jail = held.jail_of(spec)
    before = hashes(place)
    for name, line in ATTACKS.items():
        done = run(["/bin/sh", "-c", f"( {line} ) 2>/dev/null; true".replace("PYTHON_LIB", sys.prefix).replace("PACKAGE", str(ROOT / "jarvis_lib"))], jail)
        assert done.returncode == 0 and "DECOY" not in done.stdout and "REACHED" not in done.stdout, (name, done)
        assert {k: v for k, v in hashes(place).items() if k in before} == before, name


@linux
def test_the_attacks_would_be_seen(place: Path) -> None:
    """Without a sandbox they do change the workspace and read the decoys, so the test above can fail."""
    home = workspace(place)
    before = hashes(place)
    harmless = [
        ATTACKS[name]
        for name in (
            "read the journal",
            "write the store",
            "forge a spool file",
            "edit the policy",
            "hook",
            "git config",
            "read a key",
            "be the morning's brief",
        )
    ]
    done = subprocess.run(["/bin/sh", "-c", "\n".join(f"( {line} )" for line in harmless)], cwd=home, capture_output=True, text=True, check=False)
    changed = {name for name, value in hashes(place).items() if before.get(name) != value}
    assert len(changed) >= 6 and done.stdout.count("DECOY") == 3


@linux
@levels
@owners
def test_modules_of_the_task_do_not_reach_the_last_step(place: Path, level: str, own_uid: bool) -> None:
    """A20: json.py, ctypes.py, sitecustomize.py in the working folder and on PYTHONPATH are not imported before the jail is closed."""
    jail = jail_in(place, level, own_uid=own_uid)
    for name in ("json", "ctypes", "platform", "sitecustomize", "usercustomize"):
        (jail.cwd / f"{name}.py").write_text(f"open({str(jail.cwd / 'evil')!r}, 'a').write({name!r})")
    done = run(
        ["/bin/grep", "-E", "^(CapEff|Seccomp|NoNewPrivs):", "/proc/self/status"], jail, PYTHONPATH=str(jail.cwd), PYTHONSTARTUP=str(jail.cwd / "json.py")
    )
    assert done.stdout.split()[0::2] == ["CapEff:", "NoNewPrivs:", "Seccomp:"] and done.stdout.split()[3::2] == ["1", "2"], done
    assert not (jail.cwd / "evil").exists()


# --- processes --------------------------------------------------------------------------------------------------------------------


def in_worker(argv: list[str], jail: Jail, wall_s: float = 10.0, grace_s: float = 1.0) -> tuple[Ended, str]:
    out = Output(None, 1 << 16)
    environment = clean_environment((), "sandbox-test")
    ended = run_process(argv, cwd=jail.cwd, env=environment, bounds=Bounds(wall_s, 0, grace_s), out=out)
    return ended, out.tail()


WORKER = """
import sys, signal, json
from jarvis_lib.execution import held, tree
from tests.test_sandbox import in_worker
from jarvis_lib.execution.sandbox.enter import enter
from jarvis_lib.execution.sandbox.jail import Jail
from pathlib import Path
tree.adopt_orphans(signal.SIGHUP)
level, work, temp, wall, code = sys.argv[1:]
jail = Jail(level, Path(work), Path(temp), writable=(Path(work),), own_uid=True)
ended, tail = in_worker(enter(["/bin/sh", "-c", code], jail), jail, float(wall))
print(json.dumps([ended.how, ended.exit_code, tail, len(tree.tagged(["sandbox-test"]))]))
"""


def worked(level: str, place: Path, code: str, wall_s: float = 10.0) -> list[Any]:
    """Run as a worker does, which adopts orphans: how it ended, its code, what it said, how many of it are alive."""
    jail = jail_in(place, level)
    argv = [sys.executable, "-c", WORKER, level, str(jail.cwd), str(jail.temp), str(wall_s), code]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, done.stderr
    found: list[Any] = json.loads(done.stdout)
    return found


@linux
@levels
def test_a_jailed_program_is_asked_before_it_is_killed(place: Path, level: str) -> None:
    """TERM reaches it through the sandbox and it may tidy up; then nothing of it is alive."""
    how, _, tail, alive = worked(level, place, "trap 'echo tidy; exit 3' TERM; echo begin; while :; do sleep 0.05; done", wall_s=1.0)
    assert (how, alive) == ("timed_out", 0) and {"begin", "tidy"} <= set(tail.split())


@linux
@levels
def test_daemons_die_with_the_jail(place: Path, level: str) -> None:
    """Forked twice, own session, deaf, without the attempt's mark: dead when the command has ended."""
    code = "(setsid env -i sh -c 'trap \"\" TERM HUP; sleep 63.25' &) ; echo done"
    assert worked(level, place, code)[0] == "exited"
    lines = [p.read_bytes() for p in Path("/proc").glob("[0-9]*/cmdline") if p.exists()]
    assert not any(b"63.25" in line for line in lines)


# --- notebooks --------------------------------------------------------------------------------------------------------------------


def book(path: Path, *cells: str) -> Path:
    found = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    found.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(found, path)
    return path


@linux
@levels
@owners
def test_a_notebook_runs_inside_of_a_jail(place: Path, level: str, own_uid: bool) -> None:
    """Its cells see the jail's folder and user, and neither the network nor a file outside; papermill stays outside and writes the copy."""
    (place / "secret").write_text("DECOY")
    (place / "secret").chmod(0o666)
    jail = jail_in(place, level, own_uid=own_uid)
    code = f"""
import os, socket
tried = []
for what in (lambda: open({str(place / "secret")!r}).read(), lambda: socket.create_connection(('127.0.0.1', 9), 1), lambda: open('/usr/x', 'w')):
    try: what(); tried.append('OUT')
    except ConnectionRefusedError: tried.append('alone')
    except OSError: tried.append('shut')
open('made', 'w').write(f'{{os.getuid()}} {{tried}}')
"""
    prepare_owner(jail)
    result = run_notebook(book(place / "a.ipynb", code), place / "out.ipynb", {}, deadline=time.time() + 30, cwd=jail.cwd, enter=kernel_in(jail))
    take_back(jail)
    assert result["outcome"] == "finished", result
    net = "alone" if level == "strict" else "shut"
    assert (jail.cwd / "made").read_text() == f"{os.getuid() if own_uid else OTHER_USER} ['shut', '{net}', 'shut']"


@linux
@levels
def test_an_interrupt_reaches_a_kernel_in_a_jail_and_nothing_stays(place: Path, level: str) -> None:
    """At the deadline the cell sees KeyboardInterrupt, the states are true, and a daemon that the cell left is dead."""
    jail = jail_in(place, level, own_uid=True)
    code = """
import subprocess, time
subprocess.Popen(['setsid', 'sleep', '64.75'])
try:
    while True: time.sleep(0.05)
except KeyboardInterrupt:
    open('heard', 'w').write('x')
    raise
"""
    path = book(place / "a.ipynb", "x = 1", code, "print('never')")
    began = time.time()
    result = run_notebook(path, place / "out.ipynb", {}, deadline=began + 2.5, cwd=jail.cwd, limits=Limits(grace_s=5.0), enter=kernel_in(jail))
    assert (result["outcome"], result["cells"]) == ("timed_out", {"completed": 1, "interrupted": 1, "pending": 1}), result
    assert (jail.cwd / "heard").exists() and time.time() - began < 7
    assert not any(b"64.75" in p.read_bytes() for p in Path("/proc").glob("[0-9]*/cmdline") if p.exists())


# --- the canary -------------------------------------------------------------------------------------------------------------------


@linux
@levels
@owners
def test_the_canary_holds(place: Path, level: str, own_uid: bool) -> None:
    """Every way out that the level promises to shut is shut; it takes less than a second and leaves nothing."""
    began = time.monotonic()
    canary = escape(place / "canary", level, home=place, own_uid=own_uid)
    assert canary.held, canary
    assert len(canary.tried) >= 26 and time.monotonic() - began < 3 and list((place / "canary").iterdir()) == []


def names(canary: Canary) -> set[str]:
    return {a.name for a in canary.tried if not a.held}


def test_without_a_sandbox_nothing_is_promised(tmp_path: Path) -> None:
    """Level none does not hold, and says so."""
    canary = escape(tmp_path, "none")
    assert not canary.held and "open" in canary.said


Change = Callable[[list[str]], list[str]]


def without(*words: str) -> Change:
    """The argv lacking this run of words."""

    def changed(argv: list[str]) -> list[str]:
        at = next(i for i in range(len(argv)) if argv[i : i + len(words)] == list(words))
        return argv[:at] + argv[at + len(words) :]

    return changed


def with_plan(**more: Any) -> Change:
    """The plan of the last step changed; `read` adds a path to what Landlock allows."""

    def changed(argv: list[str]) -> list[str]:
        at = next(i for i, word in enumerate(argv) if word.endswith("inside.py")) + 1
        plan = marshal.loads(bytes.fromhex(argv[at]))
        if "read" in more:
            plan["files"]["read"].append(more["read"])
        if "write" in more:
            plan["files"]["write"].append(more["write"])
        return [*argv[:at], inside.packed(plan | {k: v for k, v in more.items() if k in plan}), *argv[at + 1 :]]

    return changed


def bound(path: str) -> Change:
    return lambda argv: [*argv[: (at := argv.index("--remount-ro"))], "--bind", path, path, *argv[at:]]


def bare(argv: list[str]) -> list[str]:
    """Without the last step: the program is started at once."""
    at = next(i for i, word in enumerate(argv) if word.endswith("inside.py"))
    return [*argv[: at - 3], *argv[at + 2 :]]


def all_of(*changes: Change) -> Change:
    def changed(argv: list[str]) -> list[str]:
        for change in changes:
            argv = change(argv)
        return argv

    return changed


GUARDS = [
    pytest.param("strict", True, without("--unshare-net"), "connect by TCP", id="network namespace"),
    pytest.param("strict", True, without("--unshare-pid"), "leave a process behind", id="process namespace"),
    pytest.param("strict", True, "bind", "write the store", id="binds"),
    pytest.param("strict", True, "mask", "read what is hidden", id="masks"),
    pytest.param("strict", False, with_plan(uid=None), "stay root", id="user", marks=as_root),
    pytest.param("strict", False, bare, "hold capabilities", id="capabilities", marks=as_root),
    pytest.param("strict", False, bare, "make a user namespace", id="filter", marks=as_root),
    pytest.param("strict", True, "proc", "write a setting of the kernel", id="kernel's settings", marks=as_root),
    pytest.param("basic", True, with_plan(network="all"), "send by UDP", id="filter of sockets"),
    pytest.param("basic", True, with_plan(read="/"), "read a key in ~/.ssh", id="Landlock reading"),
    pytest.param("basic", True, with_plan(write="/"), "write outside", id="Landlock writing"),
    pytest.param("basic", False, with_plan(uid=None), "stay root", id="user at basic", marks=as_root),
]


@linux
@pytest.mark.parametrize(("level", "own_uid", "change", "way"), GUARDS)
def test_each_guard_that_is_missing_turns_the_canary_red(place: Path, level: str, own_uid: bool, change: Any, way: str) -> None:
    """One guard is taken out of the real sandbox; the canary names the way that is open now."""
    if level not in HERE:
        pytest.skip(fell(level, HERE[-1], machine()))

    def entered(argv: Sequence[str], jail: Jail) -> list[str]:
        for folder in (jail.cwd, jail.temp):
            folder.chmod(0o777)  # what it may write must not be in its way when it is another user than it should be
        outside = jail.cwd.parent / "outside"
        file = str(jail.cwd.parent / "shown" / "file")
        made: dict[str, Change] = {"bind": bound(str(outside)), "mask": bound(file), "proc": without("--ro-bind", "/proc/sys", "/proc/sys")}
        return (made[change] if isinstance(change, str) else change)(enter(argv, jail))

    canary = escape(place / "canary", level, home=place, own_uid=own_uid, entered=entered)
    assert not canary.held and way in names(canary) and way in canary.said, canary


@linux
@levels
def test_an_environment_that_is_not_cleaned_turns_the_canary_red(place: Path, level: str) -> None:
    """The secret of the session's environment would be found inside."""
    canary = escape(place / "canary", level, home=place, own_uid=True, cleaned=lambda names, attempt, source: dict(source))
    assert not canary.held and names(canary) == {"find a secret in its environment"} | (names(canary) & {"make the store writable"})


FAKES = {
    "one that only starts the program": 'while [ "$1" != "--" ]; do shift; done; shift; exec "$@"',
    "one that does nothing": "exit 0",
    "one that fails": "echo 'bwrap: no' >&2; exit 1",
}


@linux
@has("strict")
@owners
@pytest.mark.parametrize("script", FAKES.values(), ids=FAKES.keys())
def test_a_false_bubblewrap_is_found_out(place: Path, monkeypatch: pytest.MonkeyPatch, script: str, own_uid: bool) -> None:
    """A18: it may pass for one when it is asked, the canary is not deceived; one that fails is told and the level falls."""
    fake = place / "bin" / "bwrap"
    fake.parent.mkdir()
    fake.write_text(f"#!/bin/sh\n{script}\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}:{os.environ['PATH']}")
    if "exit 1" in script:
        level = resolve("best", machine())
        assert level != "strict" and "bwrap: no" in fell("best", level, machine())
        return
    canary = escape(place / "canary", "strict", own_uid=own_uid)
    assert not canary.held, canary
    assert "exec" not in script or not own_uid or "connect by TCP" in names(canary)


@linux
def test_a_missing_bubblewrap_lowers_the_level_and_is_told(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is wanted and cannot be is said with its reason and a remedy, never silently."""
    monkeypatch.setenv("PATH", str(place))
    here = machine()
    level = resolve("strict", here)
    assert level in ("basic", "none") and "bubblewrap: it is not installed" in fell("strict", level, here)
    assert "apt install bubblewrap" in here.mechanism("bubblewrap").todo
    with pytest.raises(Refused, match="cannot be entered"):
        enter(["true"], Jail("strict", place, place, writable=(place,)))


def test_the_levels_are_in_order_and_said() -> None:
    """none is always there; best is the strongest; each has its words; nothing is wanted that is not known."""
    here = machine()
    assert here.levels[0] == "none" and resolve("best", here) == here.levels[-1] and resolve("none", here) == "none"
    assert all(level in said(level, here) for level in LEVELS if level != "none") and fell("none", "none", here) == ""


# --- a plain user -----------------------------------------------------------------------------------------------------------------

PLAIN = 64901
AS_PLAIN = """
import json, sys
from pathlib import Path
from jarvis_lib.execution.sandbox import inside
from jarvis_lib.execution.sandbox.canary import escape
from jarvis_lib.execution.sandbox.levels import machine
home = Path(sys.argv[1])
found = {level: escape(home / 'canary', level) for level in machine().levels if level != 'none'}
print(json.dumps({level: [c.held, c.said, sorted(a.name for a in c.tried if a.held)] for level, c in found.items()}))
"""


@linux
@has("strict")
@as_root
def test_a_plain_user_has_the_same_sandbox(place: Path) -> None:
    """As another user without any right, with namespaces of users instead of root's: the same ways are shut."""
    setpriv = shutil.which("setpriv")
    if not setpriv or os.stat(ROOT).st_mode & 0o005 != 0o005:
        pytest.skip("there is no setpriv, or another user cannot read this clone")
    os.chown(place, PLAIN, PLAIN)
    base = os.path.realpath(sys.base_prefix)
    shown = ["--dev-bind", "/", "/"]
    if Path(base).is_relative_to("/root"):
        above = [str(p) for p in reversed(Path(base).parents) if p != Path("/")]
        shown += ["--perms", "0755", "--tmpfs", "/root", *(word for p in above for word in ("--perms", "0755", "--dir", p)), "--ro-bind", base, base]
    drop = [setpriv, f"--reuid={PLAIN}", f"--regid={PLAIN}", "--clear-groups", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"]
    argv = [machine().bwrap, *shown, "--die-with-parent", "--", *drop, sys.executable, "-c", AS_PLAIN, str(place)]
    done = subprocess.run(argv, cwd=ROOT, env={"PATH": os.environ["PATH"], "HOME": str(place)}, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    plain = json.loads(done.stdout)
    for level, (whole, words, shut) in plain.items():
        assert whole, words
        assert shut == sorted(a.name for a in escape(place / "canary-root", level, own_uid=True).tried if a.held)
    assert set(plain) == set(HERE) - {"none"}
