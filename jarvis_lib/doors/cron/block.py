"""The managed block in a crontab: where is it, and what is the table with and without it? Texts in, texts out; nothing else is ever changed.

The block stands on top, so that no MAILTO, SHELL or PATH of the person's own lines reaches it, and so that taking it out leaves every other byte
as it was. Markers that are not one clean pair are refused: then a person must look.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from jarvis_lib.model.fact import Refused

BEGIN, END = "# >>> jarvis ", "# <<< jarvis "
NOTE = "# Managed by `jarvis cron`: install writes these lines anew, remove takes them out. The rest of the table is yours."


@dataclass(frozen=True, slots=True)
class Found:
    """A block: the workspace that it belongs to, and its span in the text."""

    home: str
    start: int
    end: int


def blocks(table: str) -> list[Found]:
    """The managed blocks in the table. Raises Refused where begin and end markers are not clean pairs."""
    found: list[Found] = []
    open_home, open_at, at = "", -1, 0
    for number, line in enumerate(table.split("\n"), 1):
        bare = line.rstrip("\r")
        if bare.startswith(BEGIN):
            if open_at >= 0:
                raise _broken(number, "a block begins inside of another one")
            open_home, open_at = bare.removeprefix(BEGIN), at
        elif bare.startswith(END):
            if open_at < 0 or bare.removeprefix(END) != open_home:
                raise _broken(number, "a block ends that did not begin")
            found.append(Found(open_home, open_at, min(at + len(line) + 1, len(table))))
            open_at = -1
        at += len(line) + 1
    if open_at >= 0:
        raise _broken(table[:open_at].count("\n") + 1, "a block begins and does not end")
    if len({f.home for f in found}) != len(found):
        raise Refused("The crontab has two blocks of one workspace; take one out with crontab -e, and try again. Nothing was changed.")
    return found


def _broken(number: int, what: str) -> Refused:
    return Refused(
        f"The crontab's markers are broken: in line {number} {what}. Mend it with crontab -e (whole lines `{BEGIN}…` and `{END}…`); nothing was changed."
    )


def block(home: str, lines: Sequence[str], *, also: Sequence[str] = ()) -> str:
    """The text of a block."""
    return "\n".join([f"{BEGIN}{home}", NOTE, *(f"# {line}" for line in also), *lines, f"{END}{home}", ""])


def without(table: str, homes: Sequence[str]) -> str:
    """The table without the blocks of these workspaces, every other byte as it was."""
    for one in reversed(blocks(table)):
        if one.home in homes:
            table = table[: one.start] + table[one.end :]
    return table


def with_block(table: str, home: str, text: str) -> str:
    """The table with this block: in the place of the older one of the same workspace, else on top."""
    for one in blocks(table):
        if one.home == home:
            return table[: one.start] + text + table[one.end :]
    return text + table
