"""Can the pages fail? Every command line in them is parsed by the real command line, every link leads somewhere, and no word is missing."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from jarvis_lib.cli.entry import CODES, PARTS, top
from jarvis_lib.cli.shape import Group
from jarvis_lib.model.evidence import OUTCOMES, VERDICTS
from jarvis_lib.model.setting_keys import KEYS
from jarvis_lib.model.states import MOVES, STATES
from jarvis_lib.model.task import CATEGORIES, PRIORITIES
from tests.faults.matrix import MATRIX
from tests.roomy import make_roomy

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
FOLDER_NOTES = [ROOT / name / "README.md" for name in ("data", "reports", "logs")]
SHELLS = ("sh", "bash", "console", "cron")
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
_MACHINE_PATH = re.compile(r"(?<![\w.~$])/(?:work|home|Users|root|tmp|private|mnt|opt|workspace)/[\w.-]+")
_REGISTRY = re.compile(
    r"\b(?:pypi\.org|pythonhosted\.org|test\.pypi|conda\.anaconda|npmjs|index[-_]url|extra[-_]index|artifactory|nexus|devpi)\b", re.IGNORECASE
)


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def fences(text: str) -> Iterator[tuple[str, str]]:
    """(language, body) of each fenced block."""
    yield from _FENCE.findall(text)


def shell_lines(text: str) -> list[str]:
    """The lines of the shell blocks, continued lines joined."""
    bodies = [body for language, body in fences(text) if language in SHELLS]
    return [line.removeprefix("$ ") for body in bodies for line in body.replace("\\\n", " ").splitlines()]


def inline(text: str) -> list[str]:
    """What stands between single backticks, outside of the blocks."""
    return _INLINE.findall(_FENCE.sub("", text))


def calls(line: str) -> Iterator[list[str]]:
    """Each call of Jarvis in a shell line, as its arguments after `jarvis` (`python -m jarvis_lib.X` gives X first)."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split, lexer.commenters = True, "#"
    command: list[str] = []
    for token in [*lexer, ";"]:
        if token and set(token) <= set("();<>|&"):
            yield from _call(command)
            command = []
        else:
            command.append(token)


def _call(words: list[str]) -> Iterator[list[str]]:
    if words[:1] in (["cd"], ["git"]):
        return
    for i, word in enumerate(words):
        if os.path.basename(word) == "jarvis" and not re.match(r"\w+=", word):
            yield words[i + 1 :]
            return
        if word == "-m" and words[i + 1 : i + 2] and words[i + 1].startswith("jarvis_lib."):
            yield [words[i + 1].removeprefix("jarvis_lib."), *words[i + 2 :]]
            return


def command_of(args: list[str]) -> tuple[click.Command, str, list[str]]:
    """(the command that these words call, how it is called, what is left for it). Raises LookupError for a verb that does not exist."""
    found: click.Command = top
    path, rest = "jarvis", list(args)
    while isinstance(found, Group) and rest:
        if rest[0] in ("--home", "--no-color"):
            rest = rest[2 if rest[0] == "--home" else 1 :]
        elif rest[0].startswith("-"):
            break
        else:
            word = rest.pop(0)
            inner = found.get_command(click.Context(found), word)
            if inner is None:
                raise LookupError(f"{path} has no verb {word!r}")
            found, path = inner, f"{path} {word}"
    return found, path, rest


def mistake(args: list[str]) -> str:
    """What the command line would say against these words, or nothing."""
    try:
        command, path, rest = command_of(args)
        if not isinstance(command, Group):
            command.make_context(path, list(rest))
    except click.exceptions.Exit:
        return ""
    except (LookupError, click.ClickException) as error:
        return error.format_message() if isinstance(error, click.ClickException) else str(error)
    return ""


def half_mistake(args: list[str]) -> str:
    """The same for a mention in running text, which may leave arguments out: verb and options must exist."""
    try:
        command, path, rest = command_of(args)
    except LookupError as error:
        return str(error)
    known = {name for p in command.params for name in (*p.opts, *p.secondary_opts)} | {"-h", "--help", "--home", "--no-color"}
    unknown = [word.partition("=")[0] for word in rest if re.match(r"-{1,2}[a-z]", word) and word.partition("=")[0] not in known]
    return f"{path} has no option {unknown[0]}" if unknown else ""


def verbs(group: click.Group, path: str = "jarvis") -> Iterator[str]:
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        if isinstance(command, click.Group):
            yield from verbs(command, f"{path} {name}")
        else:
            yield f"{path} {name}"


# --- what is typed -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES + FOLDER_NOTES, ids=name_of)
def test_every_command_line_can_be_typed(page: Path) -> None:
    """Blocks are parsed whole by the real command line; mentions in the text name a verb and options that exist."""
    text = page.read_text(encoding="utf-8")
    wrong = [f"{line.strip()}: {said}" for line in shell_lines(text) for args in calls(line) if (said := mistake(args))]
    mentions = [m for m in inline(text) if re.match(r"(\S*/)?jarvis |python -m jarvis_lib\.", m)]
    wrong += [f"{m}: {said}" for m in mentions for args in calls(m.replace("…", "")) if (said := half_mistake(args))]
    assert wrong == []


def test_a_wrong_line_would_be_found() -> None:
    """The test above can fail: an unknown verb, an unknown option, a missing argument, a number that is none."""
    said = [mistake(shlex.split(line)) for line in ("queue dance", "list --oben", "approve", "next -n many")]
    assert all(said)
    assert half_mistake(["queue", "edit", "--colour"]) == "jarvis queue edit has no option --colour"
    assert [list(calls(line)) for line in ("cd jarvis && make demo", "A=1 jarvis list | head", "python -m jarvis_lib.build_scheduler next")] == [
        [],
        [["list"]],
        [["build_scheduler", "next"]],
    ]


def test_every_verb_stands_in_a_page() -> None:
    """Whoever reads the pages meets each verb at least once, in a block or in the text."""
    told = set()
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for args in [a for line in [*shell_lines(text), *inline(text)] for a in _quiet_calls(line)]:
            words = [PARTS_BACK.get(args[0].replace("-", "_"), args[0]), *args[1:]]
            told |= {" ".join(["jarvis", *words[:n]]) for n in (1, 2)}
    assert sorted(set(verbs(top)) - told - SAME_AS_A_PART) == []


PARTS_BACK = {component: part for part, component in PARTS.items()}
SAME_AS_A_PART = {"jarvis decline", "jarvis queue add", "jarvis scheduler list", "jarvis queue show", "jarvis queue why", "jarvis queue inbox"}
"""Short forms of verbs that stand in a page under their other name."""


def _quiet_calls(line: str) -> list[list[str]]:
    try:
        return [args for args in calls(line) if args]
    except ValueError:
        return []  # running text with an apostrophe is no command line


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_make_target_exists(page: Path) -> None:
    """A page names only targets that the Makefile has."""
    targets = set(re.findall(r"^([a-z-]+):", text_of("Makefile"), re.MULTILINE))
    text = page.read_text(encoding="utf-8")
    named = [w for line in [*shell_lines(text), *inline(text)] for w in re.findall(r"^make ([a-z-]+)", line)]
    assert [w for w in named if w not in targets] == []


def test_the_first_ten_minutes_work_as_written(tmp_path: Path) -> None:
    """The block of the README, line by line in a workspace of its own: two tasks shipped, one undone."""
    text = text_of("README.md").split("## The first ten minutes", 1)[1]
    lines = shell_lines(text.split("\n## ", 1)[0])
    home, made = tmp_path / "jarvis", []
    run(tmp_path, ["init", str(home)])
    make_roomy(home)
    for args in [args for line in lines if "cron.log" not in line for args in calls(line)]:
        told = run(home, [made[-1] if word == "ID" else word for word in args])
        made += re.findall(r"^Added (\w+):", told)
    record = json.loads(run(home, ["overnight", "report", "--json"]))["data"]
    assert (record["tasks_spawned"], record["tasks_completed"]) == (2, 2)
    assert (home / "reports/notebooks.txt").exists() and not (home / "reports/hello.html").exists()


def run(home: Path, args: list[str]) -> str:
    """One command line as a process of its own; its standard output."""
    program = "from jarvis_lib.cli.entry import main; main()"
    env = {k: v for k, v in os.environ.items() if not k.startswith("JARVIS_")}
    done = subprocess.run([sys.executable, "-c", program, *args], cwd=home, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"jarvis {shlex.join(args)}: {done.stderr}"
    return done.stdout


# --- where it leads ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES + FOLDER_NOTES, ids=name_of)
def test_every_link_leads_somewhere(page: Path) -> None:
    """Each relative link names a file, and each anchor a heading of it."""
    wrong = []
    for target in _LINK.findall(_FENCE.sub("", page.read_text(encoding="utf-8"))):
        path, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        full = (page.parent / path) if path else page
        if not full.exists() or (anchor and anchor not in anchors(full.read_text(encoding="utf-8"))):
            wrong.append(target)
    assert wrong == []


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as the usual renderers make them."""
    heads = re.findall(r"^#{1,6} (.+)$", _FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in heads}


@pytest.mark.parametrize("page", PAGES + FOLDER_NOTES, ids=name_of)
def test_no_page_knows_a_machine(page: Path) -> None:
    """No absolute path of somebody's machine, no address of a package registry."""
    text = page.read_text(encoding="utf-8")
    assert _MACHINE_PATH.findall(text) + _REGISTRY.findall(text) == []


# --- which words ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("docs/BUILD_QUEUE_GUIDE.md", (*STATES, *PRIORITIES, *CATEGORIES)),
        ("docs/DECISION_FRAMEWORK.md", (*CATEGORIES, "auto", "ask", "escalate")),
        ("docs/OVERNIGHT_EXECUTION.md", (*OUTCOMES, *VERDICTS[:-1], "baseline", "recipe", "prove")),
        ("docs/INTEGRATION_GUIDE.md", tuple(f"`{key}`" for keys in KEYS.values() for key in keys)),
        ("docs/INTEGRATION_GUIDE.md", tuple(f"`[{section}]`" for section in KEYS)),
        ("docs/INTEGRATION_GUIDE.md", tuple(f"| {code} |" for code in (0, *CODES.values(), 130))),
    ],
)
def test_no_word_is_missing(page: str, words: tuple[str, ...]) -> None:
    """Each state, move, category, outcome, setting and exit code of the code stands in its page."""
    text = text_of(page)
    assert [word for word in words if word not in text] == []


def test_the_table_of_faults_is_the_matrix() -> None:
    """What `make faults` tries stands in the page, word for word, and nothing else does."""
    rows = re.findall(r"^\| ([FAX]\d\d) \| (.+?) \| (.+?) \|$", text_of("docs/OVERNIGHT_EXECUTION.md"), re.MULTILINE)
    assert sorted(rows) == sorted((name, what, wanted) for name, (what, wanted, _) in MATRIX.items())


def test_the_table_of_moves_is_the_rules() -> None:
    """Each row of the guide names exactly the states that the rules lead to."""
    rows = re.findall(r"^\| `(\w+)` \|[^|]*\|([^|]*)\|$", text_of("docs/BUILD_QUEUE_GUIDE.md"), re.MULTILINE)
    told = {state: set(re.findall(r"-> ([\w, ]+?)(?:;|$)", moves.strip())) for state, moves in rows if state in STATES}
    told = {state: {w.strip() for t in targets for w in re.split(r", | or ", t)} for state, targets in told.items()}
    assert told == {state: {s for targets in moves.values() for s in targets} for state, moves in MOVES.items()}


def test_each_schema_of_the_code_is_described() -> None:
    """What `--json` may answer with stands in the integration guide."""
    code = "".join(p.read_text(encoding="utf-8") for p in sorted((ROOT / "jarvis_lib").rglob("*.py")))
    schemas = set(re.findall(r'"(jarvis\.\w+/\d+)"', code))
    assert sorted(s for s in schemas if s not in text_of("docs/INTEGRATION_GUIDE.md")) == []
    assert sorted(set(re.findall(r"jarvis\.\w+/\d+", text_of("docs/INTEGRATION_GUIDE.md"))) - schemas) == []


def test_what_is_not_built_is_called_planned() -> None:
    """The README's table says of each of the eight whether it is in this version."""
    rows = dict(re.findall(r"^\| `(\w+)` \|.*\| ([^|]+) \|$", text_of("README.md"), re.MULTILINE))
    assert len(rows) == 8
    assert {name for name, said in rows.items() if said.startswith("yes")} == set(PARTS.values())
    assert all("planned" in said for name, said in rows.items() if name not in PARTS.values())
