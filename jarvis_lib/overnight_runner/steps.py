"""The night's analytic steps: how does a component's notebook become rows?

Each step is a papermill run of `notebooks/<component>.ipynb` on a read-only snapshot, with `as_of` and `seed`. The notebook returns its study as a
file; the session checks it and writes its facts. The executed notebook is kept as evidence, and its page is linked from the brief.
"""

import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from jarvis_lib.autonomous_queue.sessions import Hours
from jarvis_lib.build_scheduler.verbs import SEED
from jarvis_lib.execution.papermill_run import run_notebook
from jarvis_lib.execution.parameters import read_parameters
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean, plural, size
from jarvis_lib.model.study import Study, read_study
from jarvis_lib.report.deep import publish_deep, question_of
from jarvis_lib.report.publish import forget_deep
from jarvis_lib.store.place import Place

LIMIT_S = 300.0
SHARE = 0.1
"""A step takes at most this share of the time that is left for work."""
LEAST_S = 20.0
PAGE_S = 90.0
LOOKING = ("autonomous_queue", "overnight_runner", "context_scheduler", "weekend_planner")
"""Components whose notebooks make no study; the night runs them for their pages alone."""


def run(place: Place, session: str, component: str, hours: Hours, parameters: Mapping[str, Any] | None = None, *, whole: bool = False) -> Study:
    """Run the component's notebook, store its study and publish its page. Raises Refused when it failed; then nothing of it was stored.

    A fact that a rule refuses is told in what the study says; with `whole` it is an error.
    """
    now = place.now()
    source = place.home / "notebooks" / f"{component}.ipynb"
    if not source.is_file():
        raise Refused(f"There is no notebooks/{component}.ipynb in this workspace; copy it from a new one (jarvis init).", code="missing")
    folder = place.home / "data" / "sessions" / session
    folder.mkdir(parents=True, exist_ok=True)
    out = folder / f"{component}.json"
    own = {"workspace": str(place.home), "snapshot": str(place.store.snapshot()), "as_of": now.isoformat(), "seed": SEED, "out": str(out)}
    result = run_notebook(source, folder / f"{component}.ipynb", own | dict(parameters or {}), deadline=time.time() + _limit_s(now, hours), cwd=place.home)
    if result["outcome"] != "finished":
        raise Refused(str(result["said"]), code="failed")
    study = _read(out, component, now)
    page = publish_deep(place, folder / f"{component}.ipynb", component, study.said, as_of=now)
    applied = place.store.append(*(place.fact(kind, **data) for kind, data in study.facts), page)
    refused = [a.refused for a in applied if a.refused]
    if refused and whole:
        raise Refused(f"The study of {component} was refused: {refused[0]}")
    return replace(study, said=f"{study.said}; {len(refused)} of its facts were refused, first: {refused[0]}") if refused else study


def tried(place: Place, session: str, component: str, hours: Hours) -> list[str]:
    """What the study of `run` says, as a list of one sentence; where the notebook fails the night goes on without it, and a notice says so."""
    try:
        return [run(place, session, component, hours).said]
    except Exception as error:  # noqa: BLE001  # a notebook is the person's to change: whatever it raises, the night goes on
        return [went_without(place, component, error)]


def pages(place: Place, session: str, hours: Hours) -> list[str]:
    """Publish the pages of the components whose notebooks only look; a sentence for each that could not be made, which is a notice too.

    A notebook that this workspace does not have has no page.
    """
    return [said for name in LOOKING if (place.home / "notebooks" / f"{name}.ipynb").is_file() for said in _page(place, session, name, hours)]


def _page(place: Place, session: str, component: str, hours: Hours) -> list[str]:
    now = place.now()
    source = place.home / "notebooks" / f"{component}.ipynb"
    executed = place.home / "data" / "sessions" / session / f"{component}.ipynb"
    own = {"workspace": str(place.home), "home": str(place.home), "snapshot": str(place.store.snapshot()), "as_of": now.isoformat()}
    try:
        known = read_parameters(source)
        limit = max(LEAST_S, min(PAGE_S, (hours.ends - now) / timedelta(seconds=1) * SHARE))
        result = run_notebook(source, executed, {k: v for k, v in own.items() if k in known}, deadline=time.time() + limit, cwd=place.home)
        if result["outcome"] != "finished":
            raise Refused(str(result["said"]), code="failed")
        place.store.append(publish_deep(place, executed, component, question_of(executed), as_of=now))
    except Exception as error:  # noqa: BLE001  # a notebook is the person's to change: whatever it raises, the night ends as it should
        return [went_without(place, component, error)]
    return []


def forget_pages(place: Place, *, now: datetime) -> str:
    """Remove pages of components older than `[store] pages_keep_days`; reports stay. What was done in a sentence, or nothing."""
    days = place.settings.get("store", "pages_keep_days")
    pages, freed = forget_deep(place.home / "reports", keep_days=days, now=now, zone=place.zone)
    return f"{plural(pages, 'page')} of components older than {plural(days, 'day')} removed ({size(freed)})" if pages else ""


def went_without(place: Place, component: str, error: Exception) -> str:
    """The sentence that the night went on without a step, which also stands in a notice for the brief."""
    why = error.sentence if isinstance(error, Refused) else f"{type(error).__name__}: {error}"
    said = f"the notebook {component} could not be used, and the night went on without it: {clean(why)[:300]}"
    place.store.append(place.fact("notice", kind="step", sentence=f"{said[:1].upper()}{said[1:]}"))
    return said


def _limit_s(now: datetime, hours: Hours) -> float:
    left = (hours.work_ends - now) / timedelta(seconds=1)
    return max(LEAST_S, min(LIMIT_S, left * SHARE))


def _read(out: Path, component: str, now: datetime) -> Study:
    try:
        content = out.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"The notebook {component} ended without its study ({type(error).__name__}); nothing of it was stored.") from error
    return read_study(content, component, as_of=now, seed=SEED)
