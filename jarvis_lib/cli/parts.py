"""The parts and their verbs: which name leads to which function. A verb's module is loaded when the verb is called."""

from collections.abc import Sequence

from jarvis_lib.cli.shape import Group


def _part(name: str, verbs: Sequence[str], *, example: str, help: str, elsewhere: dict[str, str] | None = None) -> Group:
    """A group whose verbs stand in `cli/<name>.py`; one that Python's own words shadow has an underscore behind."""
    known = {v: f"jarvis_lib.cli.{name}:{v.replace('-', '_')}{'_' if v in ('list', 'next', 'set', 'import') else ''}" for v in verbs}
    return Group(name, members=known | (elsewhere or {}), example=example, help=help)


scheduler = _part(
    "scheduler",
    ("list", "schedule", "stats", "next", "plan", "pin", "unpin", "split"),
    example="jarvis scheduler schedule\njarvis scheduler next\njarvis scheduler plan",
    help="Plan the queue into windows and tell what comes next.",
)
queue = _part(
    "queue",
    (
        *("add", "list", "progress", "report", "schedule", "show", "edit", "approve", "decline", "later"),
        *("drop", "retry", "accept", "follow-up", "undo", "inbox", "why"),
    ),
    elsewhere={"add": "jarvis_lib.cli.quick_add:add"},
    example='jarvis queue add "Write docs" "Describe the API" 1.5 Documentation MEDIUM\njarvis queue inbox',
    help="Add tasks, decide, follow them, and undo.",
)
context = _part(
    "context",
    ("detect", "summary", "upcoming", "set", "clear", "read"),
    example='jarvis context detect --at "2026-11-24 23:30"\njarvis context set working --for 2h',
    help="Tell what you are doing, by override, calendar and clock, and what that allows.",
)
problems = _part(
    "problems",
    ("scan", "fix", "metrics", "list", "explain", "undo", "dismiss"),
    example="jarvis problems scan\njarvis problems fix",
    help="Find and foresee problems, fix the safe ones, and undo a fix.",
)
patterns = _part(
    "patterns",
    ("predict", "suggest", "list", "stats", "log", "enable", "disable", "dismiss", "import", "purge"),
    example="jarvis patterns list\njarvis patterns predict --day tomorrow\njarvis patterns suggest",
    help="Learn what you do again and again, predict the coming day, and make ready what you will need.",
)
overnight = _part(
    "overnight",
    ("start", "report", "brief", "is-overnight", "plan", "status", "stop", "checkin"),
    example="jarvis overnight plan\njarvis overnight start\njarvis overnight brief",
    help="Work a night and tell about it in the morning.",
)
weekend = _part(
    "weekend",
    ("suggest", "select", "start", "progress", "complete", "summary", "review"),
    example="jarvis weekend suggest\njarvis weekend select w3f9a1\njarvis weekend start",
    help="Choose what is worth the weekend, and follow it.",
)
improver = _part(
    "improver",
    ("suggest", "stats", "accept", "decline", "undo", "measure", "log-time", "log-failure", "log-correction"),
    example="jarvis improver suggest\njarvis improver stats\njarvis improver accept i3f9a12bc",
    help="Measure Jarvis itself, suggest one change at a time, and tell whether it helped.",
)
store = _part(
    "store",
    ("verify", "rebuild", "backup", "repair"),
    example="jarvis store verify",
    help="Check, rebuild, copy or repair the store.",
)
agents = _part(
    "agents",
    ("list", "hold", "release"),
    example='jarvis agents list\njarvis agents hold claude --until "2026-11-28 08:00"',
    help="Which coding agents may work, what they cost, and who is held back.",
)
cluster = _part(
    "cluster",
    ("up", "status", "down"),
    example="jarvis cluster up --local 3\njarvis cluster status",
    help="Workers for recipes, on this machine or on others.",
)
trust = _part(
    "trust",
    ("list", "widen", "narrow"),
    example="jarvis trust list\njarvis trust widen k3f9x2",
    help="What has earned to run without asking, and your word on it.",
)
mcp = _part(
    "mcp",
    ("serve", "install", "remove"),
    example="jarvis mcp install --host claude-code --dry-run\njarvis mcp install --host claude-code",
    help="Let agents propose and look, over the Model Context Protocol.",
)
memory = _part(
    "memory",
    ("write",),
    example="jarvis memory write",
    help="Daily notes of what Jarvis did, for an agent's memory.",
)
calendar = _part(
    "calendar",
    ("export",),
    example="jarvis calendar export --to jarvis.ics",
    help="A feed of planned sessions and of what waits for you.",
)
delivery = _part(
    "delivery",
    ("list", "send", "test"),
    example="jarvis delivery list\njarvis delivery test email",
    help="Briefs, alerts and hooks: what was told to whom, and whether it arrived.",
)
cron = _part(
    "cron",
    ("install", "show", "remove", "catch-up"),
    example="jarvis cron install\njarvis cron show\njarvis cron remove",
    help="Let the night start by itself: lines in your crontab, or timers of systemd.",
)
new = _part(
    "new",
    ("recipe",),
    example="jarvis new recipe clean_orders",
    help="Begin something of your own from a template that works.",
)
recipes = _part(
    "recipes",
    ("list", "lint"),
    example="jarvis recipes list\njarvis recipes lint clean_orders",
    help="Which recipe notebooks there are, and whether they would hold at night.",
)
