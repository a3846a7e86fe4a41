"""Which keys has `jarvis.toml`? Each with its kind, its default and its meaning, in one table that writes the file and reads it."""

from typing import Any

from jarvis_lib.model.context import ALLOWS_DEFAULTS, CONTEXTS
from jarvis_lib.model.delivery import REPORTS
from jarvis_lib.model.phase import key_of
from jarvis_lib.model.task import CATEGORIES
from jarvis_lib.model.window import KINDS

_WEEK = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
_PHASES_SAID = '"name share" or "name share: check command"; shares add up to 100. The largest phase runs the task\'s own recipe.'
_PHASES = {
    "New features": ["design 15", "build 55", "test 20", "document 10"],
    "User-facing changes": ["design 15", "build 55", "test 20", "document 10"],
    "API integrations": ["design 15", "build 50", "test 25", "document 10"],
    "Bug fixes": ["reproduce 25", "fix 50", "test 25"],
    "Performance optimization": ["measure 15", "optimise 65", "verify 20"],
    "Refactoring": ["prepare 15", "refactor 60", "test 25"],
    "Research/analysis": ["gather 30", "analyse 50", "write 20"],
    "Documentation": ["outline 15", "write 70", "check 15"],
    "Test coverage": ["plan 15", "write 70", "run 15"],
}

# section -> key -> (kind, default, meaning). Kinds: text, path, paths, zone, country, days, time, span, spans, bool, int>=N, num>=N, pair,
# categories, kinds (of windows), allows (a table of its own), phases, agents, channels, reports, level, permission, reach, detail, security (one word of some);
# argvs, dates, numbers, services, texts_by_name (tables with names of the person's own).
KEYS: dict[str, dict[str, tuple[str, Any, str]]] = {
    "person": {
        "name": ("text", "", "How the brief greets you."),
        "zone": ("zone", "", 'Time zone such as "Europe/Berlin"; empty = the machine\'s.'),
        "hours_per_day": ("num>=0.5", 4.0, "Your own good hours a day; used for the capacity figure only."),
        "country": ("country", "", 'Country of your public holidays, such as "DE"; empty = none. It is never guessed.'),
        "subdivision": ("text", "", 'Its part with own holidays, such as "BY"; empty = those of the whole country.'),
    },
    "goals": {
        "builds_per_day": ("pair", [2, 3], "Accepted builds."),
        "hours_per_day": ("pair", [6, 8], "Run hours of accepted tasks."),
        "fixes_per_day": ("pair", [1, 2], "Fixes whose check was green again a day later."),
        "patterns_per_week": ("pair", [1, 2], "Routines learned: they came as expected on later days."),
    },
    "windows.overnight": {
        "on": ("bool", True, "Where windows meet, this one keeps the time."),
        "days": ("days", _WEEK, "Days on which it starts, on the local clock."),
        "start": ("time", "23:00", ""),
        "end": ("time", "07:00", "At or before the start = on the next day."),
        "longest_hours": ("num>=0.1", 6.0, "Longest task that belongs here; shorter ones may run in larger windows."),
    },
    "windows.quick_win": {
        "on": ("bool", True, ""),
        "days": ("days", _WEEK[:5], ""),
        "start": ("time", "19:00", ""),
        "end": ("time", "23:00", ""),
        "longest_hours": ("num>=0.1", 2.0, ""),
    },
    "windows.work_hours": {
        "on": ("bool", True, ""),
        "days": ("days", _WEEK[:5], ""),
        "start": ("time", "09:00", ""),
        "end": ("time", "17:00", ""),
        "longest_hours": ("num>=0.1", 8.0, ""),
    },
    "windows.weekend": {
        "on": ("bool", True, ""),
        "days": ("days", _WEEK[5:], ""),
        "start": ("time", "09:00", ""),
        "end": ("time", "21:00", ""),
        "longest_hours": ("num>=0.1", 12.0, ""),
    },
    "context": {
        "idle": ("bool", False, "Look at when your terminals were last used; it only adjusts how sure a context is."),
    },
    "context.clock": {
        "sleep": ("span", "23:00-07:00", 'What you usually do, on the local clock; "" or [] = nothing is known.'),
        "gym": ("spans", ["06:00-07:30", "17:00-18:30"], ""),
        "gym_days": ("days", _WEEK, ""),
        "work": ("span", "09:00-17:00", ""),
        "work_days": ("days", _WEEK[:5], ""),
        "weekend_days": ("days", _WEEK[5:], ""),
    },
    "context.allows": {
        name: ("allows", ALLOWS_DEFAULTS[name], "first and tags go first, as does size (quick, long, any); only = nothing else runs." if i == 0 else "")
        for i, name in enumerate(CONTEXTS)
    },
    "calendar": {
        "files": ("globs", [], "ICS files, folders of them, or patterns below the workspace (or absolute)."),
        "urls": ("urls", [], "ICS addresses; they are fetched by `jarvis context read` and never by anything else."),
        "titles": ("bool", False, "Keep the titles of entries, which the store never forgets."),
        "busy_all_day": ("bool", False, "Entries of a whole day count as busy."),
        "cuts": ("kinds", list(KINDS), "Kinds of windows in which nothing runs while an entry is on."),
        "emails": ("texts", [], "Yours; an entry that one of them declined is left out."),
    },
    "night": {
        "lanes": ("int>=1", 3, "Attempts side by side, at most."),
        "work_ends_minutes_before": ("int>=0", 15, "Work stops this long before the window ends, so that checks and the brief fit."),
        "checks_end_minutes_before": ("int>=0", 2, "Checks stop this long before the window ends."),
        "reserve": ("num>=1", 1.55, "Hours kept free = estimate x this for a task that no plan has seen yet; then the hours within which 8 of 10 are done."),
    },
    "policy": {
        "auto": (
            "categories",
            ["Performance optimization", "Bug fixes", "Documentation", "Infrastructure", "Test coverage", "Refactoring"],
            "Categories that may run without asking. Test coverage and Refactoring only with a check; Infrastructure only for housekeeping.",
        ),
        "ask": (
            "categories",
            ["New features", "External actions", "Config changes", "API integrations", "User-facing changes", "Research/analysis"],
            "Categories that wait for your yes.",
        ),
        "auto_accept": ("categories", ["Documentation", "Infrastructure"], "Verified results of these count as accepted at once."),
        "cost_limit": ("num>=0", 10.0, "A task that may cost more is stopped and told at once."),
    },
    "limits": {
        "wall_factor": ("num>=1", 3.0, "An attempt is ended after estimate x this, and never later than the window."),
        "wall_minutes_least": ("num>=0.05", 10.0, "…but it always gets this many minutes if the window has them."),
        "output_mb": ("num>=0.01", 8.0, "Output kept per attempt: the head and the tail, the rest is counted."),
        "memory_gb": ("num>=0.05", 4.0, "Resident memory of an attempt with all its children."),
        "check_seconds": ("num>=0.1", 300.0, "A check that takes longer has failed."),
        "grace_seconds": ("num>=0.1", 5.0, "Between TERM and KILL."),
        "idle_minutes": ("num>=0", 0.0, "A command that prints nothing for so long is ended; 0 = it may be silent."),
        "processes": ("int>=8", 512, "Processes of an attempt at once."),
        "file_gb": ("num>=0.001", 20.0, "The largest file that an attempt may write."),
        "disk_floor_gb": ("num>=0", 1.0, "Nothing more is started with less free disk than this."),
        "busy_share": ("num>=0.05", 0.8, "Nothing more is started while the disk or the memory is used to more than this share."),
        "disk_plenty_gb": ("num>=0", 20.0, "…but a disk with so much free has room, however full it is."),
        "pass_env": ("names", [], "Names of environment variables that attempts may see. Everything else is left out."),
    },
    "sandbox": {
        "own": ("level", "best", "What holds your own commands and notebooks: best (the machine's), strict, basic or none. Agents: strict or not at all."),
        "readable": ("globs", [], "Further folders or files that attempts may read, absolute or from ~; your home is hidden otherwise."),
    },
    "agent": {
        "order": ("agents", [], "Coding agents that may work, the first usable one first: claude, codex, openclaw, custom. Empty = none."),
        "models": ("texts_by_name", {}, 'Their models, such as { claude = "sonnet" }; without one, the agent\'s own choice.'),
        "programs": ("texts_by_name", {}, 'Where they are, such as { claude = "~/.local/bin/claude" }; otherwise they are looked for in PATH.'),
        "custom": ("text", "", "Command of the agent named custom, with {prompt_file}, {dir} and {session} where they belong."),
        "permission": ("permission", "full", "What it may do inside of the sandbox: full, edits (no commands) or read."),
        "network": ("reach", "none", "none, hosts (only those below) or all. An agent needs its own service; every grant is written down."),
        "hosts": ("texts", ["api.anthropic.com", "api.openai.com", "chatgpt.com", "auth.openai.com", "platform.claude.com"], "Hosts, with a port if not 443."),
        "login": ("bool", True, "It gets a copy of its own log-in files (and of nothing else in your home)."),
        "cost_per_task": ("num>=0.01", 2.0, "US dollars; a task that has cost more is not gone on with."),
        "cost_per_night": ("num>=0.01", 10.0, "US dollars; no agent is started in a session that has cost more."),
        "calls_per_night": ("int>=1", 30, "Calls in a session, for agents that do not say what they cost."),
        "turns_per_task": ("int>=1", 60, "Turns of one call."),
        "idle_minutes": ("num>=0.01", 20.0, "An agent that says nothing for so long is ended."),
    },
    "repositories": {
        "keep_days": ("int>=1", 14, "Copies of repositories that ended are archived as a bundle and removed after this."),
        "most_gb": ("num>=0.01", 20.0, "…or sooner, the oldest first, when they take more than this together."),
        "largest_diff": ("int>=10", 2000, "A result with more changed lines is a question."),
    },
    "trust": {
        "on": ("bool", False, "A good record may widen what runs without asking, for the categories that you widened with `jarvis trust widen`."),
        "least": ("int>=5", 10, "…and only with at least so many verified results that you accepted."),
        "bound": ("num>=0.5", 0.8, "…and this lower bound (Wilson, 95 %) of their share."),
    },
    "secrets": {
        "file": ("text", "", "File with NAME=value lines, readable by you alone (0600), from which `add --secret NAME` is granted."),
        "keyring": ("bool", False, "Look in the system's keyring (service jarvis) first; needs the package keyring."),
    },
    "engine": {
        "dask": ("text", "", 'Address of a dask scheduler, such as "tcp://192.168.1.20:8786"; empty = this machine only.'),
        "tls": ("texts_by_name", {}, "Its TLS files: { ca = …, cert = …, key = … }."),
    },
    "sources": {
        "database": ("path", "", "SQLite file that performance tasks without a recipe optimise."),
        "queries": ("path", "", "File with its slow queries, one SELECT each, ended by ;."),
        "openapi": ("path", "", "OpenAPI 2/3 file (JSON or YAML) that documentation tasks without a recipe document."),
        "package": ("path", "", "Folder of a Python package that documentation tasks without a recipe document."),
    },
    "recipes": {
        "performance_optimization": ("paths", ["notebooks/recipes/optimize_database.ipynb"], "The first whose parameters [sources] can fill is taken."),
        "documentation": ("paths", ["notebooks/recipes/document_api.ipynb", "notebooks/recipes/document_package.ipynb"], ""),
        "infrastructure": ("paths", ["notebooks/recipes/maintenance.ipynb"], ""),
    },
    "problems": {
        "logs": ("globs", ["logs/*.log", "logs/*.jsonl"], "Log files to watch, as patterns below the workspace (or absolute)."),
        "log_max_mb": ("num>=0.001", 10.0, "Larger logs are rotated and compressed."),
        "log_keep_days": ("int>=30", 30, "Rotated logs older than this go to a dated trash; nothing younger is removed."),
        "databases": ("globs", [], "SQLite and DuckDB files to watch."),
        "bloat_share": ("num>=0.01", 0.25, "A database with a larger share of free pages is compacted."),
        "caches": ("globs", [], "Cache and temp folders (or files) that may be cleaned; what is not named here is never touched."),
        "cache_keep_days": ("int>=1", 14, "Files in them that neither came nor changed for so long go to the dated trash."),
        "locks": ("globs", [], "Lock files with a PID, freed once their owner is proved dead; git's own locks in `repositories` are known."),
        "lock_minutes": ("num>=1", 60.0, "A younger lock is never touched."),
        "services": ("services", {}, 'What you run, such as { web = { check = "curl -fs localhost", restart = "…" } }; restarted only by your word.'),
        "error_words": ("texts", ["ERROR", "CRITICAL", "FATAL", "Traceback"], "A new line of a log with one of these counts as an error."),
        "repositories": ("globs", [], "Git repositories to look after."),
        "loose_objects": ("int>=100", 2000, "A repository with more loose objects is packed; nothing is pruned but Jarvis's own branches and worktrees."),
        "certificates": ("globs", [], "PEM files whose expiry is watched."),
        "tokens": ("dates", {}, 'When your tokens expire, such as { github = "2027-01-31" }; only names and dates, never a token.'),
        "backups": ("globs", [], "Files or folders of your backups; of each pattern the newest counts. Those of this workspace are known."),
        "plugins": ("argvs", {}, 'Commands that print one number, such as { mails = ["mail-count", "--unread"] }.'),
        "plugin_seconds": ("num>=0.1", 5.0, "A plug-in that takes longer is ended."),
        "limits": ("numbers", {}, 'Limits of your own for a metric or a kind of it, such as { "mount:/data" = 0.9, "plugin:mails" = 500 }.'),
        "samples_keep_days": ("int>=7", 30, "Numbers are kept as they were taken for so many days, then by the hour for good."),
        "false_alarms_per_week": ("num>=0.01", 1.0, "So many alarms a week may be false, all metrics together."),
        "forecast_days": ("num>=0.1", 7.0, "How far ahead the crossing of a limit is forecast."),
    },
    "patterns": {
        "repositories": ("globs", [], "Git repositories whose commits by you count as events, as patterns below the workspace (or absolute)."),
        "emails": ("texts", [], "Yours, as authors of commits; empty = the one that git itself has for the repository."),
        "shell_history": ("path", "", "History file of your shell; only the first word of each command is kept. Empty = it is never read."),
        "calendar": ("bool", False, "Titles of calendar entries count as events, where [calendar] titles keeps them."),
        "worth_minutes": ("num>=0", 30.0, "What a thing that is ready before you need it is worth to you."),
        "cost_minutes": ("num>=0", 15.0, "What one made in vain costs; it is offered when probability x worth is more."),
        "lead_hours": ("num>=2", 3.0, "Offered things are started this long before the need, and at most one hour later."),
    },
    "weekend": {
        "candidates": ("int>=1", 5, "The suggestion names at most so many; 3 to 5 can be read in a minute."),
        "single_hours": ("pair", [8, 12], "A task of this many hours is a candidate by itself; smaller ones in groups."),
        "finish_by": ("time", "20:00", "On the last day of the weekend; the report and the probability of finishing are for this time."),
    },
    "weekend.phases": {
        key_of(c): ("phases", _PHASES.get(c, ["prepare 15", "build 70", "verify 15"]), _PHASES_SAID if i == 0 else "") for i, c in enumerate(CATEGORIES)
    },
    "predictors": {
        "off": ("texts", [], "Predictors that tell nothing: capacity, anomaly, routine. They still predict and are scored."),
    },
    "improver": {
        "look_days": ("int>=28", 56, "Weaknesses are measured over this many days."),
        "measure_days": ("int>=7", 14, "What was accepted is measured over this many days after it, against 28 before."),
        "most_open": ("int>=1", 5, "Suggestions that wait for an answer at once; the gravest first."),
        "slow_seconds": ("num>=0.1", 5.0, "A call that was noted with `jarvis improver log-time` should not take longer."),
        "slow_step_seconds": ("num>=1", 120.0, "A step of a session other than the work itself should not take longer."),
    },
    "memory": {
        "path": ("path", "", 'Folder of daily notes YYYY-MM-DD.md of what Jarvis did, such as "~/.openclaw/workspace/memory"; empty = none are written.'),
    },
    "store": {
        "wait_seconds": ("num>=0.1", 30.0, "How long a command waits for its turn."),
        "snapshots": ("int>=1", 7, "Verified copies kept in data/snapshots."),
        "pages_keep_days": ("int>=1", 30, "Pages of components (1 MB each) older than this are removed from reports/; briefs, check-ins, reviews stay."),
        "keep_attempts_days": (
            "int>=7",
            90,
            "So long after you answered a task, its attempts' logs, notebooks and kept files go; what is open stays.",
        ),
    },
    "delivery": {
        "channels": ("channels", [], "email, apprise: where briefs and alerts go besides the file in reports/. Empty = nothing leaves this machine."),
        "detail": ("detail", "counts", "What leaves it: counts, titles (of tasks), or full (the proof, the lines to copy and the whole page)."),
        "reports": ("reports", list(REPORTS), "Which of them are sent."),
        "quiet": ("span", "22:00-07:00", 'Nothing is sent then, on the local clock, but alerts; "" = no such hours.'),
        "alerts": ("bool", True, "What was stopped and escalated is told at once, whatever the hour."),
        "urls": ("texts", [], "For apprise: names of secrets that hold its addresses, which have tokens in them."),
    },
    "delivery.email": {
        "host": ("text", "", "SMTP server."),
        "port": ("int>=0", 0, "0 = the usual one: 587 with starttls, 465 with ssl, 25 with none."),
        "security": ("security", "starttls", "starttls, ssl, or none (only for a server on this machine)."),
        "user": ("text", "", "Empty = no log-in."),
        "password": ("text", "", "The name of a secret of [secrets]; a password itself never stands here."),
        "sender": ("text", "", "Address."),
        "to": ("texts", [], "Addresses."),
    },
    "hooks": {
        "shipped": (
            "text",
            "",
            'Your command, which gets JSON on standard input; or an address to post it to; or "secret:NAME" for such an address. Empty = none.',
        ),
        "failed": ("text", "", ""),
        "needs_you": ("text", "", ""),
        "problem": ("text", "", ""),
        "seconds": ("num>=0.1", 30.0, "A hook that takes longer is ended with all that it started."),
    },
    "cron": {
        "windows": ("kinds", ["overnight", "weekend"], "Windows in which a session is opened by itself, where `jarvis cron install` was called."),
        "keep_awake": ("bool", True, "A session keeps the machine from falling asleep while it works, on mains power only."),
    },
}
