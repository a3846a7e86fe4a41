"""The policy: the category is a claim, and the stricter reading wins."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise, product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jarvis_lib.model.policy import _ESCALATE, _HOUSEKEEPING, _STRICTER, ORDER, Decision, Policy, decide, foreseen
from jarvis_lib.model.settings import BadSettings, parse, template
from jarvis_lib.model.task import CATEGORIES, Check, Measure, Recipe
from jarvis_lib.model.trust import Record, Terms
from tests.facts import task

POLICY = parse(template()).policy


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, "auto"),
        ({"category": "Performance optimization"}, "auto"),
        ({"category": "Bug fixes"}, "auto"),
        ({"category": "Test coverage"}, "auto"),
        ({"category": "Test coverage", "checks": ()}, "ask"),
        ({"category": "Refactoring", "checks": ()}, "ask"),
        ({"category": "New features"}, "ask"),
        ({"category": "External actions"}, "ask"),
        ({"category": "Research/analysis"}, "ask"),
        ({"category": "API integrations"}, "ask"),
        ({"category": "User-facing changes"}, "ask"),
        ({"category": "Infrastructure"}, "ask"),
        ({"category": "Infrastructure", "title": "Rotate the logs", "recipe": None}, "auto"),
        ({"category": "Infrastructure", "title": "Verify the backups", "recipe": None}, "auto"),
        ({"category": "Infrastructure", "title": "Rotate the logs", "recipe": Recipe("command", shell="rm -rf /var/log")}, "escalate"),
        ({"title": "Fix the security hole in login"}, "escalate"),
        ({"description": "then drop table users"}, "escalate"),
        ({"title": "A breaking change of the API"}, "escalate"),
        ({"cost": 10.5}, "escalate"),
        ({"cost": 10.0}, "auto"),
        ({"title": "Email the newsletter to customers"}, "ask"),
        ({"recipe": Recipe("command", argv=("git", "push", "origin"))}, "ask"),
        ({"recipe": Recipe("command", shell="curl -d @x http://example.org")}, "ask"),
        ({"recipe": Recipe("command", shell="sudo systemctl restart nginx")}, "ask"),
        ({"checks": (Check("rm -rf build"),)}, "escalate"),
    ],
)
def test_what_may_run(changes: dict[str, object], verdict: str) -> None:
    """A table of readings."""
    decision = decide(task(**changes), POLICY)
    assert decision.verdict == verdict
    assert decision.reasons and decision.rule


def escalates(rule: str, *reasons: str) -> Decision:
    return Decision("escalate", f"escalate:{rule}", reasons, "high")


def asks(rule: str, *reasons: str) -> Decision:
    return Decision("ask", rule, reasons, "medium")


HOUSEKEEPING = "Infrastructure is automatic only for log rotation, cache and temp cleaning, database optimising and backup verification"
ROTATE = {"category": "Infrastructure", "title": "Rotate the logs"}
OUTSIDE = "it acts outside this machine ({}), which counts as External actions whatever its category says"
ORDERLY = Recipe("command", argv=("make", "logs"), origin="default")


@pytest.mark.parametrize(
    ("changes", "decision"),
    [
        ({}, Decision("auto", "category:Documentation", ("Documentation may run without asking",), "low")),
        ({"category": "New features"}, asks("category:New features", "New features needs your yes")),
        ({"category": "Refactoring", "checks": ()}, asks("category:Refactoring", "Refactoring is automatic only with a check that proves it (--check)")),
        ({"category": "Bug fixes", "checks": ()}, Decision("auto", "category:Bug fixes", ("Bug fixes may run without asking",), "low")),
        # housekeeping is recognised in title and description, of the default recipe only
        ({"category": "Infrastructure"}, asks("category:Infrastructure", HOUSEKEEPING)),
        (ROTATE, asks("category:Infrastructure", HOUSEKEEPING)),
        (ROTATE | {"recipe": ORDERLY}, Decision("auto", "category:Infrastructure", ("Infrastructure may run without asking",), "low")),
        (
            {"category": "Infrastructure", "title": "Tidy", "description": "Maintenance", "recipe": None},
            Decision("auto", "category:Infrastructure", ("Infrastructure may run without asking",), "low"),
        ),
        ({"category": "Infrastructure", "title": "Tidy", "recipe": ORDERLY}, asks("category:Infrastructure", HOUSEKEEPING)),
        # words are found wherever they stand, and quoted in one line of at most 40 characters
        ({"title": "Drop   table users"}, escalates("data loss", "it could lose data ('Drop table')")),
        ({"title": "Drop", "description": "table users"}, escalates("data loss", "it could lose data ('Drop table')")),
        (
            {"description": "a breaking change"},
            escalates("breaking change", "it announces a breaking change ('breaking change')"),
        ),
        ({"title": "Security"}, escalates("security", "it speaks of security ('Security')")),
        ({"recipe": Recipe("command", shell="git push")}, asks("reads-as:External actions", OUTSIDE.format("'git push'"))),
        ({"recipe": Recipe("command", argv=("git", "push"))}, asks("reads-as:External actions", OUTSIDE.format("'git push'"))),
        ({"checks": (Check("ssh it"),)}, asks("reads-as:External actions", OUTSIDE.format("'ssh'"))),
        ({"measures": (Measure("wget it"),)}, asks("reads-as:External actions", OUTSIDE.format("'wget'"))),
        (
            {"title": "Announce the very long awaited coming   of it to customers"},
            asks("reads-as:External actions", OUTSIDE.format("'Announce the very long awaited coming of'")),
        ),
        ({"title": "Exploit" + "s" * 50}, escalates("security", f"it speaks of security ('Exploit{'s' * 33}')")),
        # every reading of the strictest kind is told, each once; the first names the rule
        (
            {"title": "Sudo", "category": "New features", "recipe": Recipe("command", argv=("git", "push"))},
            asks(
                "category:New features",
                "New features needs your yes",
                OUTSIDE.format("'git push'"),
                "it changes the machine ('Sudo'), which counts as Config changes whatever its category says",
            ),
        ),
        (
            {"title": "Security", "category": "New features", "cost": 12.5},
            escalates("security", "it speaks of security ('Security')", "its cost 12.5 is over the limit 10"),
        ),
        ({"category": "Config changes", "recipe": Recipe("command", argv=("sudo", "x"))}, asks("category:Config changes", "Config changes needs your yes")),
        ({"cost": 10.5}, escalates("cost", "its cost 10.5 is over the limit 10")),
    ],
)
def test_a_decision_names_its_rule_and_every_reason(changes: dict[str, Any], decision: Decision) -> None:
    """To the letter: `jarvis why` says it."""
    assert decide(task(**changes), POLICY) == decision


def test_a_question_decides_with_its_own_words_and_the_others_are_only_foreseen() -> None:
    """What cannot be undone asks; what is merely unproved is told."""
    one = task(recipe=Recipe("command", argv=("git", "clean", "-fd")))
    (said,) = foreseen(one)
    assert decide(one, POLICY) == asks("question:irreversible", said) and said.startswith("'git clean -fd' cannot be undone")
    unproved = task(repo="/r", checks=())
    assert len(foreseen(unproved)) == 1 and decide(unproved, POLICY).verdict == "auto"


def test_words_are_not_asked_about_whose_category_is_automatic() -> None:
    """Who lets External actions run has answered for what reads like one."""
    one = task(recipe=Recipe("command", argv=("git", "push")))
    assert decide(one, replace(POLICY, auto=(*POLICY.auto, "External actions"))).verdict == "auto"


def test_trust_answers_for_its_own_category_and_nothing_that_was_automatic() -> None:
    """With the record as the reason, at medium risk."""
    held = Record("k", "New features", "", "command", accepted=9, widened_at=datetime(2026, 11, 20, tzinfo=UTC))
    trusting = replace(POLICY, trust=Terms(3, 0.4))
    why = "you widened New features of this kind on 2026-11-20, and its record holds (9 of 9 results verified and accepted, lower bound 0.70)"
    assert decide(task(category="New features"), trusting, held) == Decision("auto", "trust:New features", (f"it runs without asking because {why}",), "medium")
    assert decide(task(), trusting, held).rule == "category:Documentation"
    assert decide(task(category="New features"), trusting).verdict == "ask"


def lines(*wholes: str, **pairs: str) -> list[str]:
    """`wholes`, and for each pair every first word with every second: `a b=c d` is a c, a d, b c, b d."""
    return [*wholes, *(f"{a} our {b}" for some in pairs.values() for a, b in product(*(part.split(",") for part in some.split("="))))]


WORDS = {
    ("escalate", "security"): lines(
        *("a security hole", "Look for vulnerabilities", "exploit it", "the credentials", "a password", "its secret key", "an API key", "api-keys", "apikey"),
        *("the private key", "CVE-2024-1"),
    ),
    ("escalate", "data loss"): [
        *("data loss", "rm -rf build", "rm -v -r x", "rm --recursive x", "rm -f --recursive x", "mkfs /dev/x", "dd if=a", "erase everything"),
        *(f"{a} {b} x" for a, b in product(("drop", "truncate"), ("table", "database", "schema"))),
        *(f"{a} {b} x" for a, b in product(("delete", "wipe", "erase", "purge"), ("all", "every", "the whole", "the entire", "the production"))),
    ],
    ("escalate", "breaking change"): ["a breaking change", "breaking-changes", "backward incompatible", "backwards-incompatible", "remove the public api"],
    ("ask", "External actions"): lines(
        *("git push", "curl x", "wget x", "ssh x", "scp x", "rsync x", "twine x", "sendmail x", "npm publish", "kubectl get", "terraform apply"),
        *("upload it to https://example.org/a", "post the table to http://example.org"),
        first="email,e-mail,tweet,publish,deploy,announce,notify=to,customer,customers,user,client,team,production,release",
        second="send,post,upload=email,e-mail,message,slack,twitter,customer,customers,invoice,newsletter",
    ),
    ("ask", "Config changes"): lines(
        *("crontab -r", "sudo x", "systemctl x", "apt install x", "apt-get install x", "pip install x", "chmod x", "chown x", "edit .env", "changed prod.env"),
        words="change,edit,update,modify=config,configuration,settings,environment variable,environment variables,jarvis.toml,crontab,.env",
    ),
    ("ask", "New features"): lines(words="add,build,create,implement=feature,endpoint,button,sign-up,signup,sign up,checkout,payment,new feature"),
    ("auto", "Infrastructure"): [
        *(
            "rotate the logs",
            "compress the log",
            "logs, rotated",
            "log: compress it",
            "the cache, cleaned",
            "temp: clear it",
            "temporary files: prune",
            "maintenance",
        ),
        *("clean the cache", "clear temp", "prune the temporary files", "vacuum the database", "compact databases", "optimise the database"),
        *("optimize the database", "analyse the database", "analyze the database", "reindex the database", "database: vacuum", "database: compact"),
        *("database: optimize it", "database: optimise it", "database: reindex", "the backups are verified", "verify the backup"),
    ],
}
QUIET = [
    *(
        "Document the parser",
        "Describe the releases of our team",
        "rm -f build.log",
        "Explain the keys of the dictionary",
        "the post office",
        "the team",
        "pushing",
    ),
    *(
        "Delete a line",
        "drop the tableau",
        "truncate a string",
        "add a test",
        "addition of features",
        "Describe the configuration",
        "an environment",
        "send",
        "settings",
    ),
    *(
        "rm --force x",
        "dd of",
        "a deployment",
        "chmodder",
        "the log",
        "cached rows",
        "the database",
        "the backups",
        "a button",
        "git pull",
        "npm run publisher",
    ),
]


@pytest.mark.parametrize(("verdict", "name"), WORDS, ids=[name for _, name in WORDS])
def test_every_word_of_the_rules_is_read(verdict: str, name: str) -> None:
    """In the title, in capitals, and in the command's own line."""
    own = {"category": "Infrastructure", "recipe": None} if verdict == "auto" else {}
    found = [decide(task(title, **own), POLICY) for line in WORDS[verdict, name] for title in (line, line.upper())]
    rule = {"ask": "reads-as", "escalate": "escalate", "auto": "category"}[verdict]
    assert {(d.verdict, d.rule) for d in found} == {(verdict, f"{rule}:{name}")}


@pytest.mark.parametrize("title", QUIET)
def test_ordinary_words_are_not_read_as_more_than_they_say(title: str) -> None:
    assert decide(task(title), POLICY).verdict == "auto"
    assert decide(task(title, category="Infrastructure", recipe=None), POLICY).verdict == "ask"


def without_one(pattern: str) -> Iterator[tuple[str, str]]:
    """(what was taken out, the rest) for each choice of each group of the pattern, and of the pattern itself."""
    opened: list[list[int]] = [[0]]
    groups: list[list[int]] = []
    bracket, n = False, 0
    while n < len(pattern):
        sign = pattern[n]
        if sign == "\\":
            n += 1
        elif bracket or sign == "[":
            bracket = sign != "]"
        elif sign == "(":
            opened.append([n + 1])
        elif sign in "|)":
            opened[-1].append(n + 1)
            if sign == ")":
                groups.append(opened.pop())
        n += 1
    for bounds in [*groups, [*opened[0], len(pattern) + 1]]:
        parts = [pattern[a : b - 1] for a, b in pairwise(bounds)]
        for one in parts if len(parts) > 1 else []:
            rest = "|".join(p for p in parts if p is not one)
            yield one, pattern[: bounds[0]] + rest + pattern[bounds[-1] - 1 :]


RULES = [(name, pattern) for name, pattern, _ in (*_ESCALATE, *_STRICTER)] + [("Infrastructure", _HOUSEKEEPING.pattern.removeprefix("(?i)"))]


@pytest.mark.parametrize(("name", "pattern"), RULES, ids=[f"{n}-{name}" for n, (name, _) in enumerate(RULES)])
def test_no_word_of_the_rules_is_idle(name: str, pattern: str) -> None:
    """Without any one of its choices, a rule would miss a line that it should read: each is there for something, and a test notices when it goes."""
    spoken = [line for (_, rule), some in WORDS.items() if rule == name for line in some if re.search(pattern, line, re.IGNORECASE)]
    idle = [one for one, rest in without_one(pattern) if all(re.search(rest, line, re.IGNORECASE) for line in spoken)]
    assert idle == []


@given(
    category=st.sampled_from(CATEGORIES),
    auto=st.sets(st.sampled_from(CATEGORIES)),
    fewer=st.sets(st.sampled_from(CATEGORIES)),
    title=st.sampled_from(["Write", "Rotate logs", "Email the team", "Fix security", "Add a new feature"]),
    cost=st.sampled_from([None, 1.0, 20.0]),
)
def test_a_stricter_policy_never_allows_more(category: str, auto: set[str], fewer: set[str], title: str, cost: float | None) -> None:
    """Taking categories out of auto, or lowering the limit, can only make a decision stricter."""
    one = task(title, category=category, cost=cost)
    loose = decide(one, Policy(tuple(sorted(auto)), (), (), 10.0))
    strict = decide(one, Policy(tuple(sorted(auto - fewer)), (), (), 0.5))
    assert ORDER.index(strict.verdict) >= ORDER.index(loose.verdict)


def test_the_hash_names_the_policy() -> None:
    """Another rule is another hash; the same rules are the same hash."""
    assert parse(template()).policy.hash == POLICY.hash
    assert parse("[policy]\ncost_limit = 11\n").policy.hash != POLICY.hash


def test_the_written_template_is_the_defaults() -> None:
    """`jarvis init` writes what an empty file means."""
    assert parse(template()) == parse("")


def test_all_mistakes_of_a_file_come_at_once() -> None:
    """Each with its line and the nearest right key."""
    text = '[polcy]\n[night]\nlane = 3\nlanes = "x"\n[windows.overnight]\nstart = "25:00"\n[windows.lunch]\n[person]\nzone = "Mars/Base"\n'
    with pytest.raises(BadSettings) as caught:
        parse(text)
    said = [str(m) for m in caught.value.mistakes]
    assert [s.split(":")[0] for s in said] == [f"jarvis.toml line {n}" for n in (1, 3, 4, 6, 7, 9)]
    assert "Did you mean 'policy'?" in said[0] and "Did you mean 'lanes'?" in said[1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[windows.quick_win]\nstart = "16:00"\nend = "23:00"\n', "overlaps"),
        ('[windows.weekend]\nend = "09:00"\n', "starts and ends"),
        ("[night]\nchecks_end_minutes_before = 30\n", "checks would end before"),
        ('[policy]\nask = ["Documentation"]\n', "both auto and ask"),
        ("[goals]\nbuilds_per_day = [3, 2]\n", "two rising numbers"),
        ("[limits]\noutput_mb = nan\n", "must be a number"),
        ("[store\n", "not valid TOML"),
        ("lanes = 3\n", "outside of a section"),
    ],
)
def test_nonsense_is_refused(text: str, said: str) -> None:
    """One clear sentence for each."""
    with pytest.raises(BadSettings, match=said):
        parse(text)
