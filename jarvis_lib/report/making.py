"""How does a report's notebook become a file, also when the notebook cannot run? A page, or the same report as plain text that says why.

Never an empty file: whatever goes wrong in the notebook, the text is written and the reason stands at its end. It takes the page's place too, so
that the latest brief is never an older one.
"""

import hashlib
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from jarvis_lib.model.fact import Fact, Refused, stamp
from jarvis_lib.report import shelf
from jarvis_lib.report.publish import plain_page, publish, put
from jarvis_lib.store.place import Place

LIMIT_S = 300.0
NEEDED = ("jarvis_lib.report.page", "nbconvert.exporters.html")
"""Modules of every report's notebook that take long to import."""


def make_page(
    place: Place,
    notebook: Path,
    *,
    kind: str,
    snapshot: Path,
    as_of: datetime,
    target: Path,
    instead: Callable[[], tuple[str, str]],
    say: Callable[[str], None],
) -> tuple[Path, Fact]:
    """(the file, the fact that tells of it, for the caller to write). `notebook` is a path below the workspace.

    `instead` gives the headline and the text that stand in for a page that cannot be made; it is asked for them only then.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        _run(place, notebook, snapshot, as_of, target)
        headline = shelf.read(target).headline
    except Exception as error:
        headline, text = instead()
        last = str(error).splitlines()[-1][:300] if str(error) else ""
        whole = f"{text}\n\nThe page could not be made: {type(error).__name__}: {last}\n"
        put(target, plain_page(headline, whole, as_of=as_of.isoformat(timespec="seconds")))
        publish(target, place.home)
        target = target.with_suffix(".txt")
        put(target, whole)
        say(f"The page could not be made ({type(error).__name__}); the text is in {target}")
    else:
        target.with_suffix(".txt").unlink(missing_ok=True)
        publish(target, place.home)
    digest = hashlib.sha256(target.read_bytes()).hexdigest()
    shown = target.relative_to(place.home).as_posix() if target.is_relative_to(place.home) else str(target)
    return target, place.fact("brief.made", kind=kind, as_of=stamp(as_of), path=shown, headline=headline, sha256=digest)


def told_busy(place: Place, target: Path, error: Refused, *, as_of: datetime) -> None:
    """Where nothing could be read because another program holds the store: a page that says so, in a place where no page is yet.

    Anything but a busy store is none of its business, and a page that is there already tells more.
    """
    if error.code != "busy" or target.exists():
        return
    headline = "No brief yet: the store is held by another program"
    text = f"{error.sentence}\n\nNothing of the night is lost. Make it again: jarvis overnight brief --html\nWho holds it: jarvis doctor"
    put(target, plain_page(headline, text, as_of=as_of.isoformat(timespec="seconds")))
    publish(target, place.home)


def _run(place: Place, notebook: Path, snapshot: Path, as_of: datetime, target: Path) -> None:
    from jarvis_lib.execution.papermill_run import run_notebook

    source = place.home / notebook
    if not source.exists():
        raise Refused(f"There is no {notebook} in this workspace; copy it from a new one (jarvis init).", code="missing")
    before = target.stat().st_mtime_ns if target.exists() else 0
    parameters = {"snapshot": str(snapshot), "as_of": as_of.isoformat(), "out": str(target), "home": str(place.home)}
    result = run_notebook(source, target.with_suffix(".ipynb"), parameters, deadline=time.time() + LIMIT_S, cwd=place.home, ours=NEEDED)
    if result["outcome"] != "finished":
        raise Refused(str(result["said"]), code="failed")
    if not target.exists() or target.stat().st_mtime_ns == before:
        raise Refused(f"{notebook} came to its end and wrote no page; its last cell is page.write(out).", code="failed")
