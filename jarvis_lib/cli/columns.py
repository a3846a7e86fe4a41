"""Which columns does each list have?"""

from jarvis_lib.cli.render import Column
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean, hint
from jarvis_lib.model.states import STATES

TASKS = (
    Column("id", "ID"),
    Column("state", "STATE", "word"),
    Column("priority", "PRIORITY", "word"),
    Column("hours", "HOURS", "hours"),
    Column("category", "CATEGORY", grow=True, spare=True),
    Column("title", "TITLE", grow=True),
)
PLANNED_TASKS = (*TASKS, Column("start", "PLANNED"))
PLAN = (
    Column("task", "ID"),
    Column("code", "REASON"),
    Column("start", "START"),
    Column("end", "END"),
    Column("lane", "LANE", spare=True),
    Column("window", "WINDOW"),
    Column("title", "TITLE", grow=True),
    Column("sentence", "WHY", grow=True),
)
NEXT = (
    Column("task", "ID"),
    Column("place", "WHEN"),
    Column("priority", "PRIORITY", "word"),
    Column("hours", "HOURS", "hours"),
    Column("title", "TITLE", grow=True),
    Column("sentence", "WHY", grow=True),
)
CHANGES = (
    Column("number", "NUMBER", "number"),
    Column("at", "WHEN"),
    Column("what", "WHAT", grow=True),
    Column("taken_back", "TAKEN BACK"),
)
PROGRESS = (
    Column("task", "ID"),
    Column("title", "TITLE", grow=True),
    Column("elapsed", "ELAPSED"),
    Column("said", "SHARE"),
    Column("expected_end", "EXPECTED END"),
    Column("last_line", "LAST LINE", grow=True),
    Column("log", "LOG"),
)
WORKERS = (
    Column("name", "NAME"),
    Column("address", "ADDRESS"),
    Column("heard_s", "HEARD OF"),
    Column("resources", "HAS", grow=True),
)
AGENTS = (
    Column("order", "ORDER"),
    Column("agent", "AGENT"),
    Column("standing", "STATE", grow=True),
    Column("calls", "CALLS"),
    Column("tokens_in", "TOKENS IN"),
    Column("tokens_out", "OUT"),
    Column("cost_said", "COST"),
)
TRUST = (
    Column("category", "CATEGORY"),
    Column("recipe", "RECIPE"),
    Column("where", "WHERE", grow=True),
    Column("verified", "VERIFIED"),
    Column("accepted", "ACCEPTED"),
    Column("bad", "WENT WRONG"),
    Column("bound", "AT LEAST", "percent"),
    Column("standing", "STATE", grow=True),
)
DELIVERIES = (
    Column("at", "SINCE"),
    Column("channel", "CHANNEL"),
    Column("about", "WHAT", grow=True),
    Column("state", "STATE", "word"),
    Column("tries", "TRIES", "number"),
    Column("said", "SAID", grow=True),
    Column("key", "KEY", grow=True, spare=True),
)
DELIVERY_PREVIEW = (Column("when", "WHEN"), Column("channel", "CHANNEL"), Column("subject", "SUBJECT", grow=True), Column("key", "KEY", grow=True, spare=True))
POSTED = (Column("key", "KEY", grow=True), Column("channel", "CHANNEL"), Column("ok", "SENT"), Column("said", "SAID", grow=True))
PROBLEMS_FOUND = (
    Column("key", "PROBLEM", grow=True),
    Column("severity", "SEVERITY", "word"),
    Column("what", "WHAT", grow=True),
    Column("suggested", "SUGGESTED", grow=True),
    Column("safe", "SAFE FIX"),
)
PROBLEMS = (
    Column("key", "PROBLEM", grow=True),
    Column("standing", "STATE", "word"),
    Column("what", "WHAT", grow=True),
    Column("last_seen", "LAST SEEN"),
    Column("fix", "FIX"),
    Column("fix_said", "FIXED BY", grow=True),
    Column("undo_until", "UNDO UNTIL"),
    Column("command", "FIX IT WITH", grow=True),
)
STEPS = (Column("problem", "PROBLEM", grow=True), Column("playbook", "PLAYBOOK"), Column("tier", "RISK", "word"), Column("step", "WOULD DO", grow=True))
FIXES = (Column("problem", "PROBLEM", grow=True), Column("playbook", "PLAYBOOK"), Column("verified", "RE-CHECKED"), Column("said", "WHAT WAS DONE", grow=True))
METRICS = (
    Column("kind", "KIND"),
    Column("subject", "SUBJECT", grow=True),
    Column("said", "NOW", grow=True),
    Column("over", "OVER LIMIT"),
    Column("range", "30 DAYS", grow=True),
    Column("slope", "TREND"),
    Column("at", "SAMPLED"),
)
PREDICTION_SCORES = (
    Column("predictor", "PREDICTOR"),
    Column("estimator", "BY", grow=True),
    Column("n", "SCORED", "number"),
    Column("hit_rate", "CAME TRUE", "percent"),
    Column("base_hit_rate", "BASELINE'S", "percent"),
    Column("coverage", "80 % HELD", "percent"),
    Column("lead_h", "AHEAD", "hours"),
    Column("false_per_week", "FALSE/WEEK", "number"),
    Column("base_false_per_week", "BASELINE'S", "number"),
    Column("skill", "BETTER BY", "percent"),
)
CONTEXTS = (
    Column("state", "CONTEXT"),
    Column("hours", "HOURS", "hours"),
    Column("hours_so_far", "SO FAR", "hours"),
    Column("attempts", "ATTEMPTS", "number"),
    Column("verified", "VERIFIED", "number"),
    Column("work_hours", "WORKED", "hours"),
)
UPCOMING = (
    Column("state", "CONTEXT"),
    Column("start", "START"),
    Column("end", "END"),
    Column("hours", "HOURS", "hours"),
    Column("in", "WINDOWS", grow=True),
    Column("first", "FIRST", grow=True),
)
CALENDARS = (
    Column("source", "CALENDAR", grow=True),
    Column("read_at", "READ"),
    Column("events", "EVENTS", "number"),
    Column("skipped", "SKIPPED", "number"),
    Column("spans", "SPANS", "number"),
    Column("said", "SAID", grow=True),
)
WEEKEND = (
    Column("id", "ID"),
    Column("kind", "KIND"),
    Column("p50", "LIKELY", "hours"),
    Column("p80", "AT MOST", "hours"),
    Column("chance", "IN TIME", "percent"),
    Column("title", "TITLE", grow=True),
)
WEEKEND_PHASES = (
    Column("build", "BUILD"),
    Column("n", "N", "number"),
    Column("name", "PHASE", grow=True),
    Column("standing", "STATE", "word"),
    Column("hours", "HOURS", "hours"),
    Column("real_h", "REAL", "hours"),
    Column("task", "ID"),
    Column("track", "ON TRACK"),
    Column("said", "SAID", grow=True),
)
RECIPES = (
    Column("name", "RECIPE"),
    Column("needs", "NEEDS"),
    Column("checks", "CHECKS", "number"),
    Column("question", "ANSWERS", grow=True),
)


def known_state(word: str | None) -> str:
    """The state that `word` names, or an empty string for None. Refuses others with the list."""
    if word is None or word.lower() in STATES:
        return (word or "").lower()
    raise Refused(f"There is no state {clean(word)[:40]!r}.{hint(word, STATES)} States: {', '.join(STATES)}.", code="usage")
