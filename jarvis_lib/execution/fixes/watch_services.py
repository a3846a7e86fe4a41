"""Do the configured services answer? The check of each is run, all side by side, with one limit for all."""

from collections.abc import Mapping
from pathlib import Path

from jarvis_lib.execution.fixes.child import Answer, ask_all, shell
from jarvis_lib.execution.fixes.watch import Reading

CHECK_S = 5.0


def readings(home: Path, services: Mapping[str, Mapping[str, str]]) -> list[Reading]:
    """One reading for each service: the exit code of its check; any but 0 is a problem."""
    answers = ask_all([shell(own["check"]) for own in services.values()], cwd=home, limit_s=CHECK_S)
    return [_reading(name, own, answer) for (name, own), answer in zip(services.items(), answers, strict=True)]


def _reading(name: str, own: Mapping[str, str], answer: Answer) -> Reading:
    detail = {"code": answer.code, "check": own["check"], "restart": own["restart"]}
    return Reading("service", name, answer.code, 0, answer.code != 0, f"its check {answer.said}", detail)
