"""Whatever an agent prints, also in the shape of its own events, is read without an error; and its prompt holds whatever a task says as data."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jarvis_lib.execution.agents import Request, prompt
from jarvis_lib.execution.agents.limits import limit_in, time_in
from jarvis_lib.execution.agents.parsing import events
from jarvis_lib.execution.agents.registry import adapter
from jarvis_lib.execution.agents.run import outcome_of
from jarvis_lib.execution.processes import Bounds, Ended
from jarvis_lib.model.call import Call, call_from_json
from tests import agent_recordings as recorded
from tests.facts import task

NOW = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)
NAMES = ("claude", "codex", "openclaw", "custom")
KEYS = (
    *("type", "subtype", "message", "content", "item", "error", "usage", "result", "is_error", "session_id", "thread_id", "permission_denials", "tool_input"),
    *("rate_limit_info", "status", "resetsAt", "rateLimitType", "total_cost_usd", "num_turns", "modelUsage", "input_tokens", "output_tokens", "text", "ok"),
    *("final", "toolSummary", "calls", "failures", "costUsd", "sessionId", "denials", "cost", "tokens_in", "command", "model"),
)
WORDS = (
    *("result", "assistant", "rate_limit_event", "rejected", "turn.completed", "turn.failed", "item.completed", "thread.started", "error", "success"),
    *("command_execution", "agent_message", "declined", "tool_use", "tool_result", "text", "error_max_turns"),
)
ODD = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.sampled_from(WORDS), st.just(10**14))
VALUES = st.recursive(ODD, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4), max_leaves=8)
EVENT = st.dictionaries(st.sampled_from(KEYS), VALUES, min_size=1, max_size=8)


def read(name: str, stdout: str, *, code: int | None = 0, stderr: str = "") -> Call:
    asked = Request("prog", Path("prompt.txt"), Path("/copy"), Path("/home-of-it"), Path("/out"))
    return adapter(name).read(asked, version="1", exit_code=code, stdout=stdout, stderr=stderr, now=NOW)


@pytest.mark.parametrize("name", NAMES)
@settings(deadline=None, max_examples=300)
@given(seen=st.lists(EVENT, max_size=5), code=st.sampled_from([0, 1, -9, None]))
def test_events_with_any_values_are_read_and_can_be_kept(name: str, seen: list[dict[str, Any]], code: int | None) -> None:
    call = read(name, "\n".join(map(json.dumps, seen)), code=code)
    assert call_from_json(json.loads(json.dumps(call.to_json()))) == call and (call.cost is None or call.cost >= 0)


@pytest.mark.parametrize(("name", "whole"), [("claude", recorded.CLAUDE_DONE), ("codex", recorded.CODEX_DONE), ("openclaw", recorded.OPENCLAW_DONE)])
def test_an_output_that_is_cut_off_anywhere_is_never_read_as_done(name: str, whole: str) -> None:
    for at in range(1, len(whole) - 1, 7):
        call = read(name, whole[:at], code=None)
        assert outcome_of(call, Ended("exited", None, 1.0), Bounds(60, 0, 1))[0] != "finished"


def test_a_line_of_a_hundred_megabytes_and_colours_are_passed_over() -> None:
    loud = "\n".join(['{"type":"noise","text":"' + "x" * 100_000_000 + '"}', "\x1b[31mred\x1b[0m", recorded.CLAUDE_DONE])
    assert read("claude", loud).text == "Done."


def test_a_line_separator_inside_of_a_string_does_not_cut_an_event() -> None:
    assert list(events('{"text":"one\u2028two"}')) == [{"text": "one\u2028two"}]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("code", [1, -9, -11, 124])
def test_a_good_word_with_a_bad_exit_is_a_failure(name: str, code: int) -> None:
    good = {"claude": recorded.CLAUDE_DONE, "codex": recorded.CODEX_DONE, "openclaw": recorded.OPENCLAW_DONE, "custom": ""}
    call = read(name, good[name], code=code)
    assert outcome_of(call, Ended("exited", code, 1.0), Bounds(60, 0, 1))[0] == "failed"


@pytest.mark.parametrize(
    ("call", "how", "word"),
    [
        (Call("a", "1", None, auth_error="no", error="no"), "timed_out", "timed_out"),
        (Call("a", "1", None), "idle", "timed_out"),
        (Call("a", "1", 1, auth_error="not logged in", limit=limit_in("usage limit", now=NOW), error="x"), "exited", "no_login"),
        (Call("a", "1", 1, limit=limit_in("usage limit", now=NOW), error="x"), "exited", "limited"),
        (Call("a", "1", 1, error="x", denials=("Bash",)), "exited", "failed"),
        (Call("a", "1", 0, denials=("Bash",)), "exited", "finished"),
    ],
)
def test_the_first_of_time_log_in_limit_and_error_is_the_outcome(call: Call, how: str, word: str) -> None:
    """A denial alone is none: judge parks the task as denied where nothing was changed in spite of it."""
    assert outcome_of(call, Ended(how, call.exit, 1.0), Bounds(60, 0, 1))[0] == word


@pytest.mark.parametrize("text", ["retry after 9999999 days", "try again in 999999 hours", "resets 99:99", "resets Feb 31, 9am"])
def test_a_time_that_cannot_be_is_no_time(text: str) -> None:
    assert time_in(text, now=NOW, zone=UTC) is None


@settings(deadline=None)
@given(
    text=st.one_of(
        st.text(max_size=400),
        st.lists(st.sampled_from(["n0nce", "n0", "nce", "TASK n0nce>>>", "<<<TASK n0nce", "\n", "Rules:", "\u200b", "\U000e0041", "\x1b[2J"]), max_size=9).map(
            "".join
        ),
    )
)
def test_no_text_of_a_task_closes_its_marks_or_changes_the_rules(text: str) -> None:
    def asked(description: str) -> str:
        own = task(description=description, category="Bug fixes")
        return prompt.prompt(own, nonce="n0nce", left_s=600, touch="tests", network="none", turns=5, branch="jarvis/x")

    shown, plain = asked(text), asked("")
    assert shown == asked(text)
    assert shown.count("<<<TASK n0nce") == 1 and shown.count("TASK n0nce>>>") == 1
    assert shown.split("TASK n0nce>>>")[1] == plain.split("TASK n0nce>>>")[1] and shown.split("<<<TASK n0nce")[0] == plain.split("<<<TASK n0nce")[0]
    assert not any(c in shown for c in ("\u200b", "\U000e0041", "\x1b"))
