"""What is offered for the weekend and how far is it, as plain polars frames with fixed columns. They take what the verbs' `to_json` gives."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

Answer = Mapping[str, Any]


def candidates(offer: Answer) -> "pl.DataFrame":
    """One row for each candidate, the best first: hours, the chance to be done in time, how many tasks, how many things it needs."""
    import polars as pl

    schema = {"id": pl.String, "kind": pl.String, "title": pl.String, "tasks": pl.Int64, "hours": pl.Float64, "p50": pl.Float64, "p80": pl.Float64}
    rows = [{**c, "tasks": len(c["tasks"]), "needs": len(c["needs"])} for c in offer["candidates"]]
    return pl.DataFrame(rows, schema=schema | {"chance": pl.Float64, "needs": pl.Int64})


def reasons(offer: Answer) -> "pl.DataFrame":
    """One row for each reason why now, and for each thing that a candidate needs from the person with its command."""
    import polars as pl

    rows = [{"id": c["id"], "what": "why now", "said": w, "command": ""} for c in offer["candidates"] for w in c["why"]]
    rows += [{"id": c["id"], "what": "needs you", "said": n["what"], "command": n["command"]} for c in offer["candidates"] for n in c["needs"]]
    return pl.DataFrame(rows, schema={"id": pl.String, "what": pl.String, "said": pl.String, "command": pl.String})


def phases(progress: Answer) -> "pl.DataFrame":
    """One row for each phase of each build, with how the build stands and its chance."""
    import polars as pl

    schema = {"build": pl.String, "track": pl.String, "chance": pl.Float64, "n": pl.Int64, "name": pl.String, "standing": pl.String}
    rows = [{**p, "build": b["build"], "track": b["track"], "chance": b["chance"]} for b in progress["builds"] for p in b["phases"]]
    return pl.DataFrame(rows, schema=schema | {"hours": pl.Float64, "real_h": pl.Float64, "task": pl.String, "said": pl.String})
