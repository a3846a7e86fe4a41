"""`jarvis doctor --agent`: the agent is asked for one file, and what is believed is the file."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from jarvis_lib.cli.entry import main
from jarvis_lib.doors.agent_trial import try_agent
from jarvis_lib.doors.doctor import Finding, worst
from jarvis_lib.execution.sandbox import levels
from jarvis_lib.model.fact import Refused
from tests.shop import Shop

NOW = datetime(2026, 11, 24, 22, 0, tzinfo=UTC)
needs_strict = pytest.mark.skipif(bool(levels.machine().strict_why), reason=f"agents run in the strict sandbox alone: {levels.machine().strict_why}")


def tried(shop: Shop, name: str = "") -> dict[str, Finding]:
    return {f.name: f for f in try_agent(shop.place, name, word="w0rd", now=NOW)}


@needs_strict
def test_an_agent_that_works_is_told_with_its_tokens_cost_and_the_file(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.settings(mode="trial")
    found = tried(shop)
    assert {f.level for f in found.values()} == {"ok"}, found
    assert list(found) == ["Program", "Sandbox", "Call", "Cost", "File"] and "120 tokens in, 30 out, 0.0100 $" in found["Cost"].said
    assert list((shop.home / "data" / "attempts").iterdir()) == []


@needs_strict
@pytest.mark.parametrize(
    ("mode", "line", "words"),
    [
        ("hollow", "File", "is not there, whatever it says"),
        ("wrong-word", "File", "holds 'another'"),
        ("no-login", "Call", "not logged in"),
        ("limit", "Call", "usage limit"),
        ("error", "Call", "Unable to connect"),
    ],
)
def test_an_agent_that_does_not_work_is_told_in_one_sentence_with_what_to_do(mode: str, line: str, words: str, tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.settings(mode=mode)
    found = tried(shop)
    assert found[line].level == "problem" and words in found[line].said and found[line].todo and worst(list(found.values())) == "problem"


def test_an_agent_that_is_not_installed_is_a_problem_and_an_unknown_one_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = Shop(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert tried(shop, "openclaw")["Program"].level == "problem"
    with pytest.raises(Refused, match="no agent 'gpt'"):
        tried(shop, "gpt")
    shop.settings(mode="done", order="order = []")
    with pytest.raises(Refused, match="jarvis doctor --agent codex"):
        tried(shop)


@needs_strict
def test_the_verb_prints_what_was_found_and_ends_with_5_where_a_problem_stands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shop = Shop(tmp_path)
    shop.settings(mode="hollow")
    assert main(["--home", str(shop.home), "doctor", "--agent"]) == 5 and "problem  File" in capsys.readouterr().out
    shop.settings(mode="trial")
    assert main(["--home", str(shop.home), "doctor", "--agent", "custom"]) == 0 and "holds the word" in capsys.readouterr().out
