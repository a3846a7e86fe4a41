"""What do the facts of predictions do to the rows? None is written after its fact, and none is changed once it stands."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from jarvis_lib.model.fact import Fact, Refused, moment, text
from jarvis_lib.model.prose import clean

if TYPE_CHECKING:
    from jarvis_lib.model.book import Book, Row

KEYS = {"predictions": "id"}
LATE = timedelta(hours=1)
"""A prediction is written down within this time of being made; what took longer has seen too much of what came."""
HOW = ("observed", "void")


def made(book: "Book", fact: Fact) -> None:
    """A batch of predictions. One that stands already (the same predictor, subject and times) is left as it is."""
    rows = [_row(raw, fact) for raw in fact.data["predictions"]]
    for row in rows:
        if book.get("predictions", row["id"]) is None:
            book.put("predictions", row)


def _row(raw: dict[str, Any], fact: Fact) -> "Row":
    made_at, due_at = moment(raw["made_at"]), moment(raw["due_at"])
    named = clean(f"{raw['predictor']} of {raw['subject']}")[:80]
    if not timedelta(0) <= fact.at - made_at <= LATE or due_at <= fact.at:
        raise Refused(f"The prediction {named!r} is written at another time than it was made, or after its date; it cannot be scored and was not kept.")
    figures = {name: None if raw[name] is None else float(raw[name]) for name in ("p", "base", "low", "mid", "high", "base_mid")}
    if figures["p"] is None or any(v is not None and not 0 <= v <= 1 for v in (figures["p"], figures["base"])):
        raise ValueError(f"probability of {named}")
    quantiles = [figures[name] for name in ("low", "mid", "high")]
    given = [q for q in quantiles if q is not None]
    if len(given) not in (0, 3) or given != sorted(given):
        raise ValueError(f"quantiles of {named}: {quantiles}")
    words = {name: str(raw[name]) for name in ("predictor", "estimator", "subject", "unit")}
    score = {"scored_at": None, "happened": None, "actual": None, "how": ""}
    own = {"id": str(raw["id"]), "said": clean(str(raw["said"]))[:300], "made_at": made_at, "due_at": due_at, "detail": text(raw["detail"])}
    return own | words | figures | score


def scored(book: "Book", fact: Fact) -> None:
    """How predictions resolved. A score stands: one that is there already is not changed."""
    rows = []
    for raw in fact.data["scores"]:
        row = book.get("predictions", raw["id"])
        if row is None:
            raise Refused(f"There is no prediction {clean(str(raw['id']))[:40]!r} to score.", code="missing")
        if raw["how"] not in HOW:
            raise ValueError(f"how {raw['how']!r}")
        if row["scored_at"] is None:
            actual = None if raw["actual"] is None else float(raw["actual"])
            rows.append(row | {"scored_at": fact.at, "happened": bool(raw["happened"]), "actual": actual, "how": raw["how"]})
    for row in rows:
        book.put("predictions", row)


RULES = {"prediction.made": made, "prediction.scored": scored}
