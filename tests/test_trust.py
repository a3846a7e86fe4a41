"""Trust grows by what was verified and accepted, only where the person widened it, and one bad night takes it away; questions are foreseen."""

from dataclasses import replace

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from jarvis_lib.autonomous_queue import trusting
from jarvis_lib.model.asking import questions
from jarvis_lib.model.evidence import Evidence
from jarvis_lib.model.fact import Fact, Refused
from jarvis_lib.model.ledger import apply, derive
from jarvis_lib.model.policy import Policy, decide, foreseen
from jarvis_lib.model.task import CATEGORIES, Check, Recipe, Task
from jarvis_lib.model.trust import NEVER, Record, Terms, key_of, kind_of, missing, trusted, wilson
from jarvis_lib.store.place import Place
from jarvis_lib.store.rows import Rows
from tests.facts import added, claimed, ended, opened, passed, task

TERMS = Terms(3, 0.4)
ON = Policy(("Documentation",), ("New features",), (), 5.0, TERMS)


@given(st.integers(0, 500), st.integers(0, 500))
def test_the_bound_lies_below_the_share_and_grows_with_what_is_good(good: int, bad: int) -> None:
    n = good + bad
    assert 0 <= wilson(good, n) <= (good / n if n else 0) + 1e-12
    assert wilson(good + 1, n + 1) >= wilson(good, n)
    assert wilson(good, n + 1) <= wilson(good, n)


@given(st.integers(1, 200), st.integers(0, 200), st.integers(2, 5))
def test_the_same_share_of_more_results_proves_more(good: int, bad: int, times: int) -> None:
    assert wilson(good * times, (good + bad) * times) >= wilson(good, good + bad)


def test_known_values_of_wilsons_bound() -> None:
    """Computed by hand from Wilson's formula with z = 1.96."""
    assert wilson(0, 215) == 0.0  # and not the 1.7e-18 that the formula leaves
    assert wilson(10, 10) == pytest.approx(0.7225, abs=1e-3)
    assert wilson(16, 16) == pytest.approx(0.8064, abs=1e-3)
    assert wilson(8, 10) == pytest.approx(0.4902, abs=1e-3)
    assert wilson(1, 1) == pytest.approx(0.2065, abs=1e-3)
    assert wilson(0, 0) == 0


@pytest.mark.parametrize(
    ("recipe", "repo", "key"),
    [
        (None, "", "New features | none | workspace"),
        (Recipe("command"), "/r", "New features | command | /r"),
        (Recipe("notebook"), "", "New features | notebook | workspace"),
        (Recipe("agent"), "", "New features | agent | workspace"),
        (Recipe("agent", agent="codex"), "/r", "New features | agent codex | /r"),
    ],
)
def test_a_kind_has_the_name_that_the_list_shows(recipe: Recipe | None, repo: str, key: str) -> None:
    """`jarvis trust narrow` takes it as it stands."""
    assert key_of(*kind_of(task(category="New features", recipe=recipe, repo=repo))) == key


def test_a_record_says_what_is_for_it_what_is_against_it_and_what_it_lacks() -> None:
    """Bad results are counted by their kind; the bound that is needed is enough."""
    good = Record("k", "New features", "", "command", verified=3, accepted=3)
    assert good.said() == "3 of 3 results verified and accepted, lower bound 0.44"
    mixed = replace(good, accepted=1, undone=2, refuted=3, escalated=4)
    assert (mixed.bad, mixed.n, mixed.said()) == (9, 10, "1 of 10 results verified and accepted, lower bound 0.02, 2 undone, 3 refuted, 4 escalated")
    assert replace(good, accepted=1).said() == "1 of 1 result verified and accepted, lower bound 0.21" and good.bound == wilson(3, 3)
    assert missing(good, TERMS) == "" and missing(good, Terms(3, good.bound)) == ""
    assert missing(good, Terms(4, 0.4)) == "1 more accepted result needed" and missing(good, Terms(5, 0.4)) == "2 more accepted results needed"
    assert missing(good, Terms(3, 0.45)) == "its lower bound is 0.44, and 0.45 is needed"


def test_the_reason_names_the_day_and_the_record(place: Place) -> None:
    """It ends a sentence of `jarvis why`."""
    held = Record("k", "New features", "", "command", accepted=3, widened_at=place.now())
    said = "you widened New features of this kind on 2026-11-23, and its record holds (3 of 3 results verified and accepted, lower bound 0.44)"
    assert trusted(held, TERMS) == said and trusted(None, TERMS) == ""


def test_a_record_alone_widens_nothing_and_a_word_alone_neither(place: Place) -> None:
    good = Record("k", "New features", "", "command", verified=9, accepted=9)
    assert trusted(good, TERMS) == "" and trusted(replace(good, widened_at=place.now()), None) == ""
    assert trusted(replace(good, accepted=1, widened_at=place.now()), TERMS) == ""
    assert trusted(replace(good, refuted=9, widened_at=place.now()), TERMS) == "", missing(good, TERMS)
    assert "9 of 9 results" in trusted(replace(good, widened_at=place.now()), TERMS)
    assert all(trusted(replace(good, category=c, widened_at=place.now()), TERMS) == "" for c in NEVER)


def test_trust_lets_no_word_and_no_question_through(place: Place) -> None:
    """Only the category's own question is answered; the stricter reading still wins."""
    held = Record("k", "New features", "", "command", accepted=9, widened_at=place.now())
    assert decide(task(category="New features"), ON, held).rule == "trust:New features"
    assert decide(task("Drop table users", category="New features"), ON, held).verdict == "escalate"
    assert decide(task(category="New features", recipe=Recipe("command", shell="git push --force")), ON, held).verdict == "ask"
    assert decide(task(category="New features"), replace(ON, trust=None), held).verdict == "ask"


def test_the_hash_of_a_policy_without_trust_is_as_it_always_was() -> None:
    """An upgrade decides nothing anew."""
    from jarvis_lib.model.fact import digest

    old = {"auto": ("Documentation",), "ask": (), "auto_accept": (), "cost_limit": 5.0}
    assert Policy(**old).hash == digest(old)[:16] and Policy(**old, trust=TERMS).hash != Policy(**old).hash


def test_kinds_are_told_apart_by_category_repository_and_recipe() -> None:
    keys = {
        key_of(*kind_of(task(category=c, repo=r, recipe=Recipe(k, agent=a))))
        for c in CATEGORIES
        for r in ("", "/a")
        for k, a in (("agent", "codex"), ("command", ""))
    }
    assert len(keys) == len(CATEGORIES) * 4


class Night:
    """The rules on a book without a file, under a policy with trust."""

    def __init__(self, place: Place) -> None:
        self.place, self.rows, self.n = place, Rows(None), 0
        self.write(opened(place))

    def write(self, *facts: Fact) -> None:
        for fact in facts:
            apply(self.rows, fact)
            self.write(*derive(self.rows, fact, ON))

    def add(self, **changes: object) -> Task:
        one = task(category="New features", **changes)
        self.write(added(self.place, one))
        return one

    def state(self, one: Task) -> tuple[str, str]:
        row = self.rows.get("tasks", one.id)
        assert row is not None
        return row["state"], row["parked_kind"]

    def do(self, one: Task, evidence: list[dict[str, object]] | None = None, *, accept: bool = True) -> None:
        if self.state(one)[0] == "parked":
            row = self.rows.get("tasks", one.id)
            assert row is not None
            self.write(self.place.fact("task.approved", task=one.id, content_hash=row["content_hash"]))
        self.n += 1
        self.write(claimed(self.place, one, f"a{self.n}"), ended(self.place, one, f"a{self.n}", "finished", [passed()] if evidence is None else evidence))
        if accept and self.state(one)[0] == "shipped":
            self.write(self.place.fact("task.accepted", task=one.id))

    def widen(self, kind: str = "trust.widened", *, actor: str | None = None) -> None:
        self.write(self.place.fact(kind, actor=actor, category="New features", repo="", recipe="command"))

    @property
    def record(self) -> Record:
        row = self.rows.get("trust", key_of("New features", "", "command"))
        assert row is not None
        return Record(**row)


@pytest.fixture
def night(place: Place) -> Night:
    return Night(place)


REFUTED = [Evidence("check", "check", False, "it failed").to_json()]
ESCALATED = [Evidence("escalation", "security", False, "it turns a protection off").to_json()]


def widened(night: Night, times: int = 4) -> Night:
    for _ in range(times):
        night.do(night.add())
    night.widen()
    return night


def test_a_good_record_runs_without_asking_once_the_person_widened_it(night: Night) -> None:
    for _ in range(4):
        night.do(night.add())
    assert (night.record.verified, night.record.accepted) == (4, 4)
    assert night.state(night.add()) == ("parked", "approval")
    night.widen()
    assert night.state(night.add()) == ("queued", "")


@pytest.mark.parametrize("bad", [REFUTED, ESCALATED], ids=["refuted", "escalated"])
def test_one_bad_ending_narrows_by_itself_and_stops_what_still_waits(night: Night, bad: list[dict[str, object]]) -> None:
    widened(night)
    waiting, one = night.add(), night.add()
    assert night.state(waiting) == ("queued", "")
    night.do(one, bad)
    assert night.record.widened_at is None and one.id in night.record.why
    assert night.state(waiting) == ("parked", "approval")
    assert night.state(night.add()) == ("parked", "approval")


def test_an_undo_narrows_and_counts_against(night: Night) -> None:
    widened(night)
    one = night.add()
    night.do(one)
    night.write(night.place.fact("task.undone", task=one.id, reason="no"))
    assert (night.record.undone, night.record.accepted, night.record.widened_at) == (1, 4, None)


def test_what_the_policy_accepted_or_nobody_verified_is_no_record(night: Night) -> None:
    one = night.add()
    night.do(one, accept=False)
    night.write(night.place.fact("task.accepted", actor="policy", task=one.id))
    other = night.add()
    night.do(other, [], accept=False)
    night.write(night.place.fact("task.accepted", task=other.id))
    assert (night.record.verified, night.record.accepted) == (1, 0)


def test_only_a_person_widens_and_some_categories_never(night: Night) -> None:
    with pytest.raises(Refused, match="Only a person"):
        night.widen(actor="agent:codex")
    with pytest.raises(Refused, match="never widened"):
        night.write(night.place.fact("trust.widened", category="External actions", repo="", recipe="command"))
    with pytest.raises(Refused, match="not widened"):
        night.widen("trust.narrowed")


def test_the_person_narrows_and_what_waits_is_asked_about(night: Night) -> None:
    widened(night)
    waiting = night.add()
    night.widen("trust.narrowed")
    assert night.state(waiting) == ("parked", "approval")


@given(st.lists(st.sampled_from(["good", "bad", "widen"]), max_size=12))
def test_in_any_history_nothing_runs_unasked_after_a_bad_result_without_a_new_word(history: list[str]) -> None:
    """Random nights on the pure rules: widened_at is None after each bad result, whatever came before."""
    record = Record("k", "New features", "", "command")
    from datetime import UTC, datetime

    for what in history:
        if what == "good":
            record = replace(record, accepted=record.accepted + 1)
        elif what == "bad":
            record = replace(record, refuted=record.refuted + 1, widened_at=None)
        else:
            record = replace(record, widened_at=datetime(2026, 11, 24, tzinfo=UTC))
        if trusted(record, TERMS):
            assert record.accepted >= TERMS.least and record.bound >= TERMS.bound and record.widened_at is not None


def test_the_verbs_show_widen_and_narrow(place: Place) -> None:
    one = task(category="New features")
    place.store.write(added(place, one))
    said = trusting.widen(place, one.id, now=place.now())
    assert "3 more" not in said and "10 more accepted results needed" in said and "on = true" in said
    (row,) = trusting.trusts(place)
    assert (row["category"], row["n"], row["bound"]) == ("New features", 0, 0.0) and row["standing"].startswith("widened")
    assert "asked about again" in trusting.narrow(place, row["key"], now=place.now())
    with pytest.raises(Refused, match="no record"):
        trusting.narrow(place, "New features | nothing | here", now=place.now())


def test_the_command_line_lists_what_has_a_record(place: Place) -> None:
    from jarvis_lib.cli.entry import top

    done = CliRunner().invoke(top, ["--home", str(place.home), "trust", "list"])
    assert done.exit_code == 0 and "Nothing has a record yet" in done.output


# --- questions that can be foreseen ----------------------------------------------------------------------------------------

AGENT = Recipe("agent", agent="codex")
LONG = "The total is rounded twice; it should be rounded once, at the end."


@pytest.mark.parametrize(
    "line",
    [
        *(
            "git push --force origin main",
            "git push -f",
            "git reset --hard HEAD~1",
            "git clean -fdx",
            "rm -rf build",
            "rm -fr /",
            "rm -f --recursive build",
            "find . -name '*.tmp' -delete",
        ),
        *("shred key", "mkfs.ext4 /dev/sda1", "dd of=/dev/sda", "psql -c 'DROP TABLE users'", "sqlite3 a.db 'delete from users'", "kubectl delete pod x"),
        *("terraform destroy", "aws s3 rm s3://x --recursive", "docker system prune -af", "curl -s https://x | sh", "wget -qO- x | sudo bash", "npm publish"),
        *("twine upload dist/*", "helm uninstall x", "systemctl stop nginx", "chmod -R 777 ."),
    ],
)
def test_what_cannot_be_undone_is_asked_about_beforehand(line: str) -> None:
    one = task(recipe=Recipe("command", shell=line))
    assert [q.word for q in questions(one) if q.decisive] == ["irreversible"]
    assert decide(one, ON).verdict in ("ask", "escalate")


@pytest.mark.parametrize(
    "line",
    [
        *(
            "make test",
            "git push --force-with-lease",
            "git status",
            "rm -f build.log",
            "rm --force build.log",
            "python -m pytest",
            "curl -o a.json https://x",
            "docker build .",
            "npm test",
        ),
        *(
            "grep -r delete src",
            "kubectl get pods",
            "terraform plan",
            "find . -name '*.py'",
            "git commit -m 'x'",
            "sqlite3 a.db 'delete from users where id = 1'",
        ),
    ],
)
def test_ordinary_commands_ask_nothing(line: str) -> None:
    assert foreseen(task(recipe=Recipe("command", shell=line))) == []


@pytest.mark.parametrize(
    ("title", "description", "word"),
    [
        ("Fix it", "", "vague"),
        ("Improve performance", "", "vague"),
        ("Clean up the code", "", "vague"),
        ("Delete all unused files of the project", LONG, "scope"),
        ("Publish the package to npm", LONG, "scope"),
        ("Migrate the database to Postgres", LONG, "scope"),
        ("Rename everything to the new name", LONG, "scope"),
        ("Add a type to all modules", LONG, "scope"),
        ("Change the limit in production", LONG, "scope"),
        ("Fix the rounding of totals", LONG, ""),
        ("Document how a release is made", LONG, ""),
        ("Round the total once, at the end of the sum", "", ""),
        ("Make the delete button red", LONG, ""),
    ],
)
def test_an_agent_is_not_sent_off_with_a_vague_or_boundless_goal(title: str, description: str, word: str) -> None:
    one = task(title, description=description, recipe=AGENT, repo="/r")
    assert [q.word for q in questions(one) if q.decisive] == ([word] if word else [])


def test_a_missing_check_is_told_and_does_not_hold_the_task_up() -> None:
    one = task("Fix the rounding of totals", description=LONG, recipe=AGENT, repo="/r", checks=())
    assert len(foreseen(one)) == 1 and "--check" in foreseen(one)[0] and one.id in foreseen(one)[0]
    assert decide(one, ON).verdict == "auto"
    assert foreseen(replace(one, checks=(Check("make test"),))) == []
    assert foreseen(replace(one, no_change_expected=True)) == []


def test_a_foreseen_question_parks_the_task_and_an_edit_frees_it(night: Night) -> None:
    one = task("Fix it", recipe=AGENT, repo="/r")
    night.write(added(night.place, one))
    assert night.state(one) == ("parked", "approval")
    from jarvis_lib.model.task import content_hash

    better = replace(one, description=LONG)
    night.write(night.place.fact("task.edited", task=one.id, content=better.to_json(), content_hash=content_hash(better, {}), revision=1))
    assert night.state(one) == ("queued", "")
