"""The real cron daemon of Debian fires a session and a brief, for a user who exists only in this test; and every line runs as cron would run it.

The daemon runs in a mount namespace of its own, with its own accounts, spool and empty tables of the system: nothing of the machine is changed.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from jarvis_lib.workspace import open_workspace
from tests.cron_parts import machine
from tests.roomy import roomy

pytestmark = pytest.mark.faults
ROOT = Path(__file__).parents[2]
JARVIS = Path(sys.executable).with_name("jarvis")
UID, NAME = 64123, "jarvis-cron-test"
APART = """
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs /var/spool/cron
mkdir -m 1730 /var/spool/cron/crontabs
chgrp crontab /var/spool/cron/crontabs
mount --bind "$1/passwd" /etc/passwd
mount --bind "$1/group" /etc/group
mount --bind "$1/empty" /etc/cron.d
mount --bind "$1/crontab" /etc/crontab
mount --bind "$1/pam" /etc/pam.d/cron
mount -t tmpfs tmpfs /run
. "$1/uncover"
exec cron -f
"""
PAM = "auth sufficient pam_permit.so\naccount sufficient pam_permit.so\nsession optional pam_env.so\nsession sufficient pam_permit.so\n"
ADD = ["add", "Say hello", "", "0.02", "Documentation", "LOW", "--command", "echo hi > hello.txt", "--changes", "hello.txt", "--check", "test -s hello.txt"]


def with_night(text: str, start: timedelta, end: timedelta) -> str:
    """The settings with an overnight window that begins and ends so long from now."""
    now = datetime.now().astimezone()
    head, _, rest = text.partition("[windows.overnight]\n")
    rest = re.sub(r"(?m)^start = .*$", f'start = "{now + start:%H:%M}"', rest, count=1)
    return f"{head}[windows.overnight]\n{re.sub(r'(?m)^end = .*$', f'end = {chr(34)}{now + end:%H:%M}{chr(34)}', rest, count=1)}"


def wait(path: Path, word: str, *, within_s: float) -> str:
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        text = path.read_text() if path.exists() else ""
        if word in text:
            return text
        time.sleep(1)
    raise AssertionError(f"{path.name} did not say {word!r} within {within_s:.0f} s: {path.read_text() if path.exists() else 'it is not there'}")


def uncover(folder: Path) -> str:
    """Shell lines that let the throw-away user reach this Python and this clone, where they lie in a home that is closed to others; here only."""
    closed: dict[Path, list[Path]] = {}
    for needed in dict.fromkeys(map(Path, (sys.base_prefix, sys.prefix, ROOT))):
        shut = next((p for p in reversed(needed.parents) if not p.stat().st_mode & 0o001), None)
        if shut is not None:
            closed.setdefault(shut, []).append(needed)
    lines = []
    for shut, needs in closed.items():
        kept = {needed: folder / f"kept{len(lines)}{i}" for i, needed in enumerate(needs)}
        lines += [f"mkdir {q(there)}; mount --bind {q(needed)} {q(there)}" for needed, there in kept.items()]
        lines += [f"mount -t tmpfs -o mode=755 tmpfs {q(shut)}"]
        lines += [f"mkdir -p {q(needed)}; mount --bind {q(there)} {q(needed)}" for needed, there in kept.items()]
    return "\n".join(lines) + "\n"


def q(path: Path) -> str:
    return shlex.quote(str(path))


# --- the real daemon -----------------------------------------------------------------------------------------------------


class Cron:
    """The daemon in its namespace, and commands of the throw-away user inside of it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.own = folder, folder / "own"
        self.own.mkdir()
        os.chmod(folder, 0o755)
        os.chown(self.own, UID, UID)
        for name, more in (("passwd", f"{NAME}:*:{UID}:{UID}::{self.own}:/bin/sh\n"), ("group", f"{NAME}:x:{UID}:\n")):
            (folder / name).write_text((Path("/etc") / name).read_text() + more)
        (folder / "empty").mkdir()
        (folder / "crontab").write_text("")
        (folder / "pam").write_text(PAM)
        (folder / "uncover").write_text(uncover(folder))
        self.daemon = subprocess.Popen(["unshare", "-m", "sh", "-c", APART, "sh", str(folder)], stdin=subprocess.DEVNULL)

    def ready(self) -> bool:
        for _ in range(50):
            if Path(f"/proc/{self.daemon.pid}/comm").exists() and Path(f"/proc/{self.daemon.pid}/comm").read_text().strip() == "cron":
                return True
            time.sleep(0.1)
        return False

    def run(self, *argv: str, given: str = "") -> str:
        env = [f"HOME={self.own}", f"LOGNAME={NAME}", "PATH=/usr/bin:/bin"]
        enter = ["nsenter", "-m", "-t", str(self.daemon.pid), "--wd=/", "setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups", "env", "-i", *env]
        done = subprocess.run([*enter, *argv], input=given, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{argv}: {done.stderr}"
        return done.stdout


@pytest.fixture
def cron() -> Iterator[Cron]:
    missing = [name for name in ("cron", "crontab", "unshare", "nsenter", "setpriv") if shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin") is None]
    if os.geteuid() != 0 or missing:
        pytest.skip(f"the real cron daemon needs root and {', '.join(missing) or 'nothing more'}")
    folder = Path(tempfile.mkdtemp(prefix="jarvis-cron-", dir="/var/tmp"))
    made = Cron(folder)
    try:
        if not made.ready():
            pytest.skip("no mount namespace with its own spool can be made here")
        made.run(sys.executable, "-c", "import jarvis_lib.cli.entry, duckdb")
        yield made
    finally:
        made.daemon.kill()
        made.daemon.wait()
        shutil.rmtree(folder)


def test_the_real_daemon_fires_a_session_and_a_brief(cron: Cron) -> None:
    """`jarvis cron install` of a user, its table shortened to every minute: the task is shipped, the brief is there, remove leaves no table."""
    home = cron.own / "a work%space"
    jarvis = [str(JARVIS), "--home", str(home)]
    cron.run(str(JARVIS), "init", str(home))
    settings = with_night(roomy(), timedelta(minutes=-2), timedelta(minutes=25))
    cron.run("sh", "-c", f"cat > {shlex.quote(str(home / 'jarvis.toml'))}", given=settings)
    cron.run(*jarvis, *ADD)
    cron.run(*jarvis, "cron", "install", "--yes")
    table = cron.run("crontab", "-l")
    assert table.count("--from-cron") == 8 and "a work\\%space" in table
    short = "\n".join(
        re.sub(r"^\S+ \S+ \S+ \S+ \S+ ", "* * * * * ", line) if re.search("# jarvis:(start|brief)$", line) else line for line in table.split("\n")
    )
    cron.run("crontab", "-", given=short)
    wait(home / "logs/cron-start.log", "The night has ended. Brief:", within_s=240)
    cron.run("sh", "-c", f"cat > {shlex.quote(str(home / 'jarvis.toml'))}", given=with_night(settings, timedelta(minutes=-40), timedelta(minutes=1)))
    told = wait(home / "logs/cron-brief.log", "Brief:", within_s=200)
    page = Path(told.split("Brief: ")[1].splitlines()[0])
    assert "Say hello" in page.read_text() and (home / "hello.txt").read_text() == "hi\n"
    cron.run("crontab", "-", given=table)
    cron.run(*jarvis, "cron", "remove", "--yes")
    assert (
        "no crontab for"
        in subprocess.run(["nsenter", "-m", "-t", str(cron.daemon.pid), "crontab", "-u", NAME, "-l"], capture_output=True, text=True, check=False).stderr
    )


# --- as cron would run it ------------------------------------------------------------------------------------------------


def commands(home: Path, folder: Path, *how: str) -> dict[str, str]:
    """Job -> what sh gets of its line, by a crontab of our own."""
    made = machine(folder)
    env = os.environ | {"PATH": f"{made.folder / 'bin'}:/usr/bin:/bin"}
    subprocess.run([JARVIS, "--home", str(home), "cron", "install", "--yes", *how], env=env, check=True, capture_output=True)
    rows = [line for line in (made.table or b"").decode().splitlines() if "# jarvis:" in line]
    return {row.rsplit(":", 1)[1]: row.split(" ", 5)[5].replace("\\%", "%") for row in rows}


def bare(own: Path) -> dict[str, str]:
    return {"HOME": str(own), "LOGNAME": "somebody", "PATH": "/usr/bin:/bin", "PWD": str(own), "SHELL": "/bin/sh"}


def test_every_line_runs_in_an_empty_environment(tmp_path: Path) -> None:
    """`env -i` with cron's variables: a session, its record, a brief, the check-in, suggestion and summary, and the catch-up end well."""
    home = tmp_path / "it's 100% mine"
    subprocess.run([JARVIS, "init", str(home)], check=True, capture_output=True)
    evening = datetime.now().astimezone() + timedelta(minutes=1)
    settings = with_night(roomy(), timedelta(minutes=-2), timedelta(minutes=25))
    settings = re.sub(r"(\[windows\.(?:work_hours|weekend)\]\non = )true", r"\1false", settings)
    head, section, rest = settings.partition("[windows.quick_win]\n")
    if evening.hour < 23:  # only a night goes past midnight
        rest = re.sub(r"(?m)^start = .*$", f'start = "{evening:%H:%M}"', rest, count=1)
        settings = head + section + re.sub(r"(?m)^end = .*$", f'end = "{evening + timedelta(minutes=45):%H:%M}"', rest, count=1)
    (home / "jarvis.toml").write_text(settings)
    subprocess.run([JARVIS, "--home", str(home), *ADD], check=True, capture_output=True)
    lines = commands(home, tmp_path / "machine")
    assert set(lines) == {"start", "report", "brief", "checkin", "suggest", "summary", "review", "catchup"}
    for job, command in lines.items():
        if job == "checkin":
            time.sleep(max((evening.replace(second=0) - datetime.now().astimezone()).total_seconds() + 1, 0))
        done = subprocess.run(["/bin/sh", "-c", command], env=bare(tmp_path), cwd=tmp_path, check=False)
        log = (home / f"logs/cron-{job}.log").read_text()
        assert done.returncode == 0 and "Traceback" not in log, (job, log)
    assert "The night has ended" in (home / "logs/cron-start.log").read_text()
    assert (home / "hello.txt").exists()
    assert evening.hour == 23 or list((home / "reports").glob("*/*/*-evening.html"))
    page = next((home / "reports").glob("*/*/*-brief.html"))
    page.unlink()
    subprocess.run(["/bin/sh", "-c", commands(home, tmp_path / "second", "--papermill")["brief"]], env=bare(tmp_path), cwd=tmp_path, check=True)
    assert "Say hello" in page.read_text(), (home / "logs/cron-brief.log").read_text()


def test_of_five_knocks_at_once_one_works(tmp_path: Path) -> None:
    """One ends with 0, four with 75; one session stands in the store, and the task was begun once."""
    home = tmp_path / "home"
    subprocess.run([JARVIS, "init", str(home)], check=True, capture_output=True)
    (home / "jarvis.toml").write_text(with_night(roomy(), timedelta(minutes=-2), timedelta(minutes=25)))
    subprocess.run([JARVIS, "--home", str(home), *ADD], check=True, capture_output=True)
    command = commands(home, tmp_path / "machine")["start"]
    with ThreadPoolExecutor(5) as many:
        codes = list(many.map(lambda _: subprocess.run(["/bin/sh", "-c", command], env=bare(tmp_path), check=False).returncode, range(5)))
    assert sorted(codes) == [0, 75, 75, 75, 75]
    with open_workspace(home).store.reading() as reader:
        assert reader.one("store.counts") and len(reader.rows("autonomous_queue.open_sessions")) == 0
        rows = reader.rows("cron.slots_since", since=datetime.now().astimezone() - timedelta(days=1))
        newest = reader.one("overnight_runner.newest_session", now=datetime.now().astimezone())
        assert newest and len(reader.rows("overnight_runner.session_results", session=newest["id"])) == 1
    assert [(r["job"], r["outcome"], r["n"]) for r in rows if r["job"] == "overnight"] == [("overnight", "worked", 1)]


def test_a_killed_session_is_begun_anew_and_the_brief_tells_of_it(tmp_path: Path) -> None:
    """kill -9 in the midst of the night; the catch-up begins the slot a second time; the morning's knock has its brief."""
    home = tmp_path / "home"
    subprocess.run([JARVIS, "init", str(home)], check=True, capture_output=True)
    (home / "jarvis.toml").write_text(with_night(roomy(), timedelta(minutes=-2), timedelta(minutes=25)))
    add = ["add", "Wait", "", "0.02", "Documentation", "LOW", "--command", "sleep 6; echo hi > hello.txt", "--changes", "hello.txt", "--check", "true"]
    subprocess.run([JARVIS, "--home", str(home), *add], check=True, capture_output=True)
    env = os.environ | {"JARVIS_CRASH_AT": "claimed"}
    first = subprocess.run([JARVIS, "--home", str(home), "overnight", "start", "--from-cron"], env=env, capture_output=True, check=False)
    assert first.returncode != 0
    second = subprocess.run([JARVIS, "--home", str(home), "cron", "catch-up", "--from-cron"], capture_output=True, text=True, check=False)
    assert second.returncode == 0 and "The night has ended" in second.stdout, second.stdout + second.stderr
    with open_workspace(home).store.reading() as reader:
        rows = reader.rows("cron.slots_since", since=datetime.now().astimezone() - timedelta(days=1))
    assert [(r["n"], r["state"], r["outcome"]) for r in rows if r["job"] == "overnight"] == [(2, "done", "worked")]
    (home / "jarvis.toml").write_text(with_night(roomy(), timedelta(minutes=-40), timedelta(minutes=-1)))
    third = subprocess.run([JARVIS, "--home", str(home), "overnight", "brief", "--from-cron"], capture_output=True, text=True, check=False)
    assert third.returncode == 0 and Path(third.stdout.split("Brief: ")[1].strip()).exists()
