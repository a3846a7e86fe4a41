"""What does a recipe say when it has done its work? One sentence, its files and its numbers, which the attempt keeps as evidence."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jarvis_lib.lab.answers import Answer
from jarvis_lib.model.evidence import RESULT_MIME
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean, size


@dataclass(frozen=True, slots=True)
class Result:
    """What a recipe says, for people and (in the executed notebook) as JSON."""

    told: Answer
    data: dict[str, Any]

    def __repr__(self) -> str:
        return repr(self.told)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return {RESULT_MIME: self.data, "text/plain": repr(self.told), "text/html": self.told._repr_html_()}


def result(summary: str, files: Sequence[Path | str], metrics: Mapping[str, float] | None) -> Result:
    """Refused unless the summary says something, every file is there and every number is finite."""
    tidy = clean(summary)
    if not tidy:
        raise Refused("A result says in one sentence what was done; summary is empty.", code="usage")
    missing = [str(f) for f in files if not Path(f).is_file()]
    if missing:
        raise Refused(f"The result names files that are not there: {', '.join(missing[:5])}.", code="missing")
    numbers = {name: float(value) for name, value in (metrics or {}).items()}
    strange = [name for name, value in numbers.items() if not math.isfinite(value)]
    if strange:
        raise Refused(f"The result's numbers must be numbers; {', '.join(strange[:5])} is not.", code="usage")
    lines = [tidy, *(f"{clean(str(f))} ({size(Path(f).stat().st_size)})" for f in files), *(f"{clean(n)}: {v:g}" for n, v in numbers.items())]
    return Result(Answer("the result", tuple(lines)), {"summary": tidy, "files": [str(f) for f in files], "metrics": numbers})
