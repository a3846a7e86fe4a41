"""problem_predictor: numbers are taken cheaply, a bad gauge costs one sentence, and samples stay whole and quick."""

import json
import os
import shutil
import ssl
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from jarvis_lib import problem_predictor
from jarvis_lib.execution import metrics as gauges
from jarvis_lib.execution.metrics import logs
from jarvis_lib.execution.metrics.pem import expires_at
from jarvis_lib.model.metric import KINDS, is_over, limit_of, named, shown
from jarvis_lib.model.settings import BadSettings, parse, template
from jarvis_lib.store.place import Place
from jarvis_lib.store.samples import SMALL_FILES, Samples
from jarvis_lib.workspace import open_workspace
from tests.conftest import NIGHT

PYTHON = json.dumps(sys.executable)


def wanted(**lines: str) -> dict[str, Any]:
    """The `[problems]` section with some keys set."""
    return parse("[problems]\n" + "\n".join(f"{k} = {v}" for k, v in lines.items())).values["problems"]


def place_with(home: Path, **lines: str) -> Place:
    text = template()
    for key, value in lines.items():
        old = next(line for line in text.splitlines() if line.startswith(f"{key} = "))
        text = text.replace(old, f"{key} = {value}")
    (home / "jarvis.toml").write_text(text)
    return open_workspace(home, clock=lambda: NIGHT, actor="person:test")


def by_key(readings: list[Any]) -> dict[str, Any]:
    return {f"{r.kind}:{r.subject}": r for r in readings}


# --- gauges --------------------------------------------------------------------------------------------------------------


def test_the_machine_has_disks_memory_and_load(tmp_path: Path) -> None:
    """Shares lie between 0 and 1, and the mount of the workspace is there once at most."""
    found = by_key(gauges.collect(tmp_path, wanted(), now=NIGHT))
    assert 0 < found["memory:machine"].value < 1 and found["load:machine"].value >= 0
    assert all(0 <= r.value <= 1 for r in found.values() if r.kind in ("mount", "inodes", "swap"))
    assert sum(bool(r.detail.get("home")) for r in found.values() if r.kind == "mount") <= 1


PLUGINS = {
    "good": ("print(41.5)", 41.5, ""),
    "hangs": ("import time; time.sleep(60)", None, "did not end within 1.0 s"),
    "text": ("print('\\x1b[31mmany\\nlines')", None, "'many lines', which is no number"),
    "nan": ("print('nan')", None, "not a finite number"),
    "endless": ("print(float('inf'))", None, "not a finite number"),
    "nothing": ("pass", None, "printed nothing"),
    "flood": ("print('1' * 10_000_000)", None, "printed more than a number"),
    "fails": ("import sys; sys.exit('no such host')", None, "exit 1"),
}


def test_a_bad_plugin_costs_one_sentence_and_the_others_nothing(tmp_path: Path) -> None:
    """Hanging, text, NaN, 10 MB, an exit code, a program that is not there: each says so, and the good one has its number."""
    commands = {name: [sys.executable, "-c", code] for name, (code, _, _) in PLUGINS.items()} | {"missing": ["no-such-program"]}
    settings = {**wanted(plugin_seconds="1.0"), "plugins": commands}
    begin = time.monotonic()
    found = by_key(gauges.plugins.readings(tmp_path, settings, NIGHT))
    assert time.monotonic() - begin < 8
    for name, (_, value, said) in PLUGINS.items():
        own = found[f"plugin:{name}"]
        assert own.value == value and said in own.said and "\n" not in own.said and "\x1b" not in own.said, name
    assert "cannot be started" in found["plugin:missing"].said


def test_a_callable_of_the_entry_point_group_is_a_plugin(tmp_path: Path) -> None:
    """A distribution that registers `jarvis.metrics` is found, and its function runs in a process of its own."""
    info = tmp_path / "lib" / "gauge-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: gauge\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[jarvis.metrics]\nmails = gauge:mails\nbroken = gauge:broken\n")
    (tmp_path / "lib" / "gauge.py").write_text("def mails():\n    return 7\ndef broken():\n    raise ValueError('no mailbox')\n")
    code = (
        "import sys, json; sys.path.insert(0, sys.argv[1])\nfrom pathlib import Path\nfrom datetime import datetime, UTC\n"
        "from jarvis_lib.execution.metrics import plugins\nfrom jarvis_lib.model.settings import parse\n"
        "found = plugins.readings(Path(sys.argv[2]), parse('').values['problems'], datetime.now(UTC))\n"
        "print(json.dumps({r.subject: [r.value, r.said] for r in found}))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "lib"), str(tmp_path)], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert found["mails"][0] == 7 and found["broken"][0] is None and "no mailbox" in found["broken"][1]


def log_readings(home: Path, now: datetime) -> dict[str, Any]:
    return by_key(logs.readings(home, wanted(), now))


def test_each_line_of_a_log_is_counted_once_also_across_a_rotation(tmp_path: Path) -> None:
    """Errors that stood before the first look do not count; those at the end of the renamed file do, and those of the new one."""
    log = tmp_path / "logs" / "app.log"
    log.parent.mkdir()
    log.write_text("ERROR old\n" * 50)
    assert log_readings(tmp_path, NIGHT) == {}
    with log.open("a") as file:
        file.write("fine\nERROR one\nTraceback of it\n")
    hour = log_readings(tmp_path, NIGHT + timedelta(hours=1))
    assert hour["log_errors:logs/app.log"].value == 2 and hour["log_growth:logs/app.log"].value == 31
    with log.open("a") as file:
        file.write("ERROR last of the old file\n")
    log.rename(log.with_name("app.log.1"))
    log.write_text("ERROR first of the new file\nfine\n")
    assert log_readings(tmp_path, NIGHT + timedelta(hours=2))["log_errors:logs/app.log"].value == 2
    log.write_text("")
    assert log_readings(tmp_path, NIGHT + timedelta(hours=3))["log_errors:logs/app.log"].value == 0


def test_a_clock_that_goes_back_and_a_broken_bookmark_begin_anew(tmp_path: Path) -> None:
    """No rate is made up, and nothing breaks."""
    log = tmp_path / "logs" / "app.log"
    log.parent.mkdir()
    log.write_text("ERROR\n")
    log_readings(tmp_path, NIGHT)
    assert log_readings(tmp_path, NIGHT - timedelta(hours=5)) == {}
    (tmp_path / "data" / "metrics" / "logs.json").write_text('{"logs/app.log": {"inode": "x"}}')
    assert log_readings(tmp_path, NIGHT) == {}
    (tmp_path / "data" / "metrics" / "logs.json").write_text("[")
    assert log_readings(tmp_path, NIGHT) == {}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read any file")
def test_an_unreadable_log_says_so(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "app.log"
    log.parent.mkdir()
    log.write_text("x")
    log.chmod(0)
    assert "cannot be read" in log_readings(tmp_path, NIGHT)["log_errors:logs/app.log"].said


def certificate(path: Path, days: int) -> None:
    """A certificate of its own that is valid for so many days from now, made by openssl."""
    argv = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=a", "-days", str(days)]
    subprocess.run([*argv, "-keyout", str(path.with_suffix(".key")), "-out", str(path)], check=True, capture_output=True)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes certificates with openssl")
def test_a_certificate_tells_until_when_it_is_valid(tmp_path: Path) -> None:
    """The same day that openssl names; an expired one is critical, and a file that is none says so."""
    path = tmp_path / "site.pem"
    certificate(path, 40)
    shown_by = subprocess.run(["openssl", "x509", "-noout", "-enddate", "-in", str(path)], check=True, capture_output=True, text=True).stdout
    expected = datetime.fromtimestamp(ssl.cert_time_to_seconds(shown_by.strip().removeprefix("notAfter=")), UTC)
    assert expires_at(path.read_bytes()) == expected
    (tmp_path / "none.pem").write_text("hello")
    (tmp_path / "torn.pem").write_text("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n")
    settings = wanted(certificates='["*.pem", "nowhere/*.pem"]')
    found = by_key(gauges.dates.readings(tmp_path, settings, expected - timedelta(days=3)))
    assert found["certificate:site.pem"].over and "in 3 days" in found["certificate:site.pem"].said
    assert "no certificate in PEM form" in found["certificate:none.pem"].said and "cannot be decoded" in found["certificate:torn.pem"].said
    assert "no file matches" in found["certificate:nowhere/*.pem"].said
    expired = gauges.dates.readings(tmp_path, settings, expected + timedelta(days=2))
    (problem,) = problem_predictor.find(expired)
    assert problem.severity == "critical" and "has expired" in problem.what and problem.blast


def test_tokens_and_backups_have_their_days_and_hours(tmp_path: Path) -> None:
    """A token of the settings counts its days down; the newest of the backups counts."""
    (tmp_path / "backups").mkdir()
    for name, hours in (("a.tar", 60), ("b.tar", 50)):
        (tmp_path / "backups" / name).write_text("x")
        os.utime(tmp_path / "backups" / name, times=(NIGHT.timestamp() - hours * 3600,) * 2)
    settings = wanted(tokens='{ forge = "2026-11-30", later = "2028-01-01" }', backups='["backups/*.tar", "none/*"]')
    found = by_key(gauges.dates.readings(tmp_path, settings, NIGHT))
    assert found["token:forge"].over and not found["token:later"].over
    assert found["backup:backups/*.tar"].value == 50 and found["backup:backups/*.tar"].over
    assert "no file matches" in found["backup:none/*"].said


def test_a_repository_has_numbers_and_a_folder_that_is_none_says_so(tmp_path: Path) -> None:
    repository = tmp_path / "code"
    subprocess.run(["git", "init", "-q", str(repository)], check=True)
    found = by_key(gauges.repositories.readings(tmp_path, wanted(repositories='["code", "nothing"]'), NIGHT))
    assert found["repository_size:code"].value == 0 and found["worktrees:code"].value == 1
    assert "there is no repository" in found["repository_size:nothing"].said


def test_own_limits_of_the_settings_win(tmp_path: Path) -> None:
    """For one metric, for a kind, or those of the kind; on the side that hurts."""
    settings = wanted(limits='{ "mount:/data" = 0.5, plugin = 10 }')
    assert limit_of("mount:/data", settings) == 0.5 and limit_of("mount:/", settings) == KINDS["mount"].limit
    assert limit_of("plugin:mails", settings) == 10 and limit_of("load:machine", settings) is None
    assert is_over("certificate", 3, 14) and not is_over("certificate", 20, 14) and is_over("mount", 0.97, 0.95)
    assert named("mount:/data") == "disk /data" and named("memory:machine") == "memory" and shown("mount", 0.973) == "97%"


def test_what_is_wrong_in_the_tables_is_said_with_its_name() -> None:
    """All at once: a command that is text, a date that is none, a limit that is no number."""
    with pytest.raises(BadSettings) as caught:
        parse('[problems]\nplugins = { a = "du" }\ntokens = { b = "soon" }\nlimits = { c = true }\n')
    said = [str(m) for m in caught.value.mistakes]
    assert len(said) == 3 and all(f"line {n}" in s and f" {name} must be" in s for n, name, s in zip((2, 3, 4), "abc", said, strict=True))


# --- samples -------------------------------------------------------------------------------------------------------------


def minutes(count: int, *, end: datetime = NIGHT, metric: str = "plugin:a") -> list[tuple[datetime, str, float]]:
    return [(end - timedelta(minutes=count - 1 - i), metric, float(i)) for i in range(count)]


def test_samples_come_back_as_they_were_given(tmp_path: Path) -> None:
    """The newest value, the range and the medians, before and after everything is put together."""
    samples = Samples(tmp_path)
    samples.add(minutes(3000))
    samples.add([(NIGHT, "plugin:b", 5.0)])
    for _ in range(3):
        a, b = samples.latest(now=NIGHT)
        assert (a["metric"], a["value"], a["low"], a["high"], a["n"], a["at"]) == ("plugin:a", 2999.0, 0.0, 2999.0, 3000, NIGHT)
        assert (b["metric"], b["value"], b["n"]) == ("plugin:b", 5.0, 1)
        assert a["trend"] == pytest.approx(1440, rel=0.02) and b["trend"] is None
        series = samples.series(since=NIGHT - timedelta(days=7), until=NIGHT)
        assert {k: len(v[1]) for k, v in series.items()} == {"plugin:a": 601, "plugin:b": 1}
        assert (series["plugin:a"][1][:-1] < series["plugin:a"][1][1:]).all()
        assert sum(r["n"] for r in samples.hours("plugin:a", since=NIGHT - timedelta(days=7), until=NIGHT)) == 3000
        assert [r["n"] for r in samples.days("plugin:a", since=NIGHT - timedelta(days=7), until=NIGHT)] == [149, 1440, 1411]
        samples.compact(now=NIGHT, keep_days=30)
    assert samples.warnings == []


def test_small_files_become_one_and_points_go_after_their_time(tmp_path: Path) -> None:
    """After the retention the points are gone and the hours stay; after a month they share one file."""
    samples = Samples(tmp_path)
    for sample in minutes(SMALL_FILES):
        samples.add([sample])
    assert len(list((tmp_path / "data/metrics/raw").glob("*.parquet"))) == SMALL_FILES
    samples.compact(now=NIGHT, keep_days=30)
    assert [p.name for p in (tmp_path / "data/metrics/raw").glob("*.parquet")] == ["day-20261123.parquet"]
    samples.add([(NIGHT + timedelta(days=1), "plugin:a", 1.0)])
    later = NIGHT + timedelta(days=90)
    samples.compact(now=later, keep_days=30)
    assert not list((tmp_path / "data/metrics/raw").glob("*.parquet")) and not list((tmp_path / "data/metrics/five").glob("*.parquet"))
    assert [p.name for p in (tmp_path / "data/metrics/hourly").glob("*.parquet")] == ["202611.parquet"]
    assert sum(r["n"] for r in samples.hours("plugin:a", since=NIGHT - timedelta(days=7), until=later)) == SMALL_FILES + 1


def test_what_comes_late_is_added_to_the_hours_of_its_day(tmp_path: Path) -> None:
    """A clock that was set back by two months neither loses the old hours nor doubles them."""
    samples = Samples(tmp_path)
    samples.add(minutes(120))
    later = NIGHT + timedelta(days=60)
    samples.compact(now=later, keep_days=30)
    samples.compact(now=later, keep_days=30)
    samples.add([(NIGHT, "plugin:a", 1000.0)])
    span = {"since": NIGHT - timedelta(days=2), "until": later}
    for _ in range(2):
        rows = samples.hours("plugin:a", **span)
        assert sum(r["n"] for r in rows) == 121 and max(r["high"] for r in rows) == 1000
        samples.compact(now=later, keep_days=30)


@pytest.mark.parametrize("torn", [b"", b"PAR1", b"PAR1" + b"\0" * 100 + b"PAR1", b"hello" * 100])
def test_a_torn_file_is_set_aside_and_said(tmp_path: Path, torn: bytes) -> None:
    """The other samples are still there, and the torn file is kept."""
    samples = Samples(tmp_path)
    samples.add(minutes(10))
    (tmp_path / "data/metrics/raw/20261123T000000000000-x.parquet").write_bytes(torn)
    assert [r["n"] for r in samples.latest(now=NIGHT)] == [10]
    assert len(samples.warnings) == 1 and "set aside" in samples.warnings[0]
    assert len(list((tmp_path / "data/metrics/torn").iterdir())) == 1


def test_a_file_that_is_damaged_inside_is_set_aside_too(tmp_path: Path) -> None:
    """Its ends are right and its pages are not."""
    samples = Samples(tmp_path)
    samples.add(minutes(10))
    (path,) = samples.add(minutes(5000, end=NIGHT - timedelta(minutes=30), metric="plugin:b"))[-1:]
    raw = bytearray(path.read_bytes())
    raw[4 : len(raw) // 2] = bytes(len(raw) // 2 - 4)
    path.write_bytes(bytes(raw))
    samples.compact(now=NIGHT + timedelta(days=1), keep_days=30)
    assert "plugin:a" in {r["metric"] for r in samples.latest(now=NIGHT)}
    assert any(path.name in w for w in samples.warnings)


def test_a_power_cut_between_merge_and_removal_doubles_nothing(tmp_path: Path) -> None:
    """The small files that were merged already are merged again: each point counts once."""
    samples = Samples(tmp_path)
    small = samples.add(minutes(60))
    kept = [p.read_bytes() for p in small]
    samples.compact(now=NIGHT + timedelta(days=1), keep_days=30)
    for path, content in zip(small, kept, strict=True):
        path.write_bytes(content)
    samples.compact(now=NIGHT + timedelta(days=1), keep_days=30)
    assert [r["n"] for r in samples.latest(now=NIGHT)] == [60]


# --- verbs ---------------------------------------------------------------------------------------------------------------


def test_a_scan_keeps_its_numbers_and_costs_little(tmp_path: Path) -> None:
    """Under a second of work and 100 MB of memory, without polars, numpy and scikit-learn; `metrics` and `list` load none of them either."""
    place = place_with(tmp_path, plugins=f'{{ one = [{PYTHON}, "-c", "print(1)"] }}')
    code = (
        "import sys, time, resource\nfrom datetime import datetime, UTC\nfrom jarvis_lib.workspace import open_workspace\n"
        "from jarvis_lib import problem_predictor\nplace = open_workspace(sys.argv[1])\nplace.store\n"
        "import duckdb\nbefore = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\nbegin = time.process_time()\n"
        "problem_predictor.scan(place, now=datetime.now(UTC))\nproblem_predictor.metrics(place)\nproblem_predictor.listed(place)\n"
        "print(time.process_time() - begin, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024,"
        " [m for m in ('polars', 'numpy', 'sklearn', 'altair') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(place.home)], capture_output=True, text=True, check=True)
    seconds, megabytes, heavy = done.stdout.split(maxsplit=2)
    assert float(seconds) < 1 and float(megabytes) < 100 and heavy.strip() == "[]"
    assert {"memory:machine", "plugin:one", "review:queue"} <= {r["metric"] for r in Samples(place.home).latest(now=datetime.now(UTC))}


def test_a_number_over_its_limit_is_a_problem_until_it_is_not(tmp_path: Path) -> None:
    """Found once, and gone when the number is good again; a gauge that fails meanwhile does not make it go."""
    number = tmp_path / "number"
    number.write_text("12")
    place = place_with(tmp_path, plugins='{ mails = ["cat", "number"] }', limits='{ "plugin:mails" = 10 }')
    assert [p.key for p in problem_predictor.scan(place, now=NIGHT)] == ["over_limit:plugin:mails"]
    number.unlink()
    look = problem_predictor.look(place, now=NIGHT + timedelta(minutes=5))
    assert look.problems == [] and any("mails" in n for n in look.notes)
    assert [r["standing"] for r in problem_predictor.listed(place)] == ["open"]
    number.write_text("3")
    problem_predictor.scan(place, now=NIGHT + timedelta(minutes=10))
    assert [r["standing"] for r in problem_predictor.listed(place)] == ["gone"]
    row = next(r for r in problem_predictor.metrics(place, now=NIGHT + timedelta(minutes=10)) if r["subject"] == "mails")
    told = problem_predictor.ranged(row)
    assert told["range"] == "3 to 12" and told["value"] == 3 and told["over"] is False


def test_samples_that_cannot_be_written_stop_no_scan(tmp_path: Path) -> None:
    """A file stands where the folder should be: the scan says so and finds its problems all the same."""
    place = place_with(tmp_path, plugins='{ mails = ["echo", "12"] }', limits="{ plugin = 10 }")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "metrics").write_text("in the way")
    look = problem_predictor.look(place, now=NIGHT)
    assert [p.kind for p in look.problems] == ["over_limit"] and any("could not be written" in n for n in look.notes)
