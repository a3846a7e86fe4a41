"""Is this line a command, does it need a shell, and is its program there? What a person typed, read before the night."""

import os
import re
from pathlib import Path

from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean

_SHELL_WORDS = frozenset(
    (
        *(".", ":", "[", "alias", "bg", "break", "case", "cd", "command", "continue", "echo", "eval", "exec", "exit", "export", "false", "fg", "for"),
        *("getopts", "hash", "if", "jobs", "kill", "local", "printf", "pwd", "read", "readonly", "return", "set", "shift", "test", "times", "trap"),
        *("true", "type", "ulimit", "umask", "unalias", "unset", "until", "wait", "while", "{", "!", "("),
    )
)


def needs_shell(line: str) -> bool:
    """Does `line` use anything that only a shell understands, outside of quotes?"""
    bare = re.sub(r"\\.|'[^']*'", "", line)
    double = re.findall(r'"[^"]*"', bare)
    if any(c in part for part in double for c in "$`"):
        return True
    rest = re.sub(r'"[^"]*"', "", bare)
    return bool(re.search(r"[|&;<>()$`*?\[\]~#\n]", rest) or re.match(r"\s*[A-Za-z_]\w*=", line)) or _only_in_a_shell(first_word(line))


def _only_in_a_shell(word: str) -> bool:
    return word in _SHELL_WORDS and not _on_path(word)


def _on_path(word: str) -> bool:
    """Like `shutil.which`, whose module loads three compression libraries that `add` would wait for."""
    return any(_is_program(os.path.join(folder, word)) for folder in os.environ.get("PATH", os.defpath).split(os.pathsep))


def _is_program(path: str) -> bool:
    return os.path.isfile(path) and os.access(path, os.X_OK)


def checked(home: Path, line: str, what: str) -> str:
    """`line`, tidy and known to start with something that exists. `what` is the option it came from: command, check or measure.

    A check or measure may name a file that the task has yet to make, so only a bare word must be on the PATH for these.
    """
    tidy = clean(line, keep_lines=True)
    if not tidy:
        raise Refused(f"The {what} is empty; give the line that you would type, for example --{what} 'make test'.", code="usage")
    why = unfound(home, tidy)
    if why and (what == "command" or "/" not in first_word(tidy)):
        raise Refused(f"The {what} {why}; give its full path, or install it first.", code="usage")
    return tidy


def is_prose(home: Path, line: str) -> bool:
    """True for a line that no shell could start: its quotes do not close, or its first word is no program."""
    try:
        return bool(unfound(home, line))
    except Refused:
        return True


def unfound(home: Path, line: str) -> str:
    """What cannot be found, as the end of a sentence, or an empty string. Raises Refused when the line's quotes do not close."""
    first = first_word(line)
    if first.startswith("{") or first in _SHELL_WORDS or not re.fullmatch(r"[\w./+@%:-]+", first):
        return ""
    if "/" in first:
        return "" if _is_program(os.path.join(home, first)) else f"{clean(first)[:80]!r} is not there, or may not be run"
    return "" if _on_path(first) else f"{clean(first)[:80]!r} was not found on the PATH"


def first_word(line: str) -> str:
    """The first word of a command line. Raises Refused when its quotes do not close."""
    import shlex

    try:
        return (shlex.split(line) or [""])[0]
    except ValueError as error:
        raise Refused(f"{clean(line)[:80]!r} cannot be read as a command: {str(error).lower()}.", code="usage") from None
