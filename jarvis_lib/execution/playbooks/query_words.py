"""Which columns does a query filter, join and order by? A reading of its words, good enough to propose indexes.

It may propose too much, never decide: what the planner does with a proposal is measured by `optimize_sqlite`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

_TOKEN = re.compile(
    r"--[^\n]*|/\*.*?\*/|\s+"  # nothing to read
    r"|(?P<string>'(?:[^']|'')*')"
    r"|(?P<name>\"(?:[^\"]|\"\")*\"|\[[^\]]*\]|`[^`]*`|[A-Za-z_][A-Za-z0-9_$]*)"
    r"|(?P<sign><>|<=|>=|==|!=|\|\||[^\s])",
    re.DOTALL,
)
_CLAUSES = {"SELECT", "FROM", "WHERE", "ON", "USING", "GROUP", "ORDER", "HAVING", "LIMIT", "JOIN"}
_RANGE = {"<", ">", "<=", ">=", "BETWEEN", "LIKE", "GLOB"}
_EQUAL = {"=", "==", "IS", "IN"}
_VALUES = {"NULL", "TRUE", "FALSE", "NOT", "CASE", "CAST", "CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP"}
_NOT_ALIAS = _CLAUSES | {"AS", "LEFT", "INNER", "CROSS", "NATURAL", "OUTER", "FULL", "RIGHT", "UNION", "EXCEPT", "INTERSECT", "WINDOW", "INDEXED", "NOT"}


@dataclass(slots=True)
class Roles:
    """The columns of one table by what a query does with them, each list in the order of the text.

    `equal` to a value, `join`ed to another column, compared over a `span`, in the `order` or the groups.
    """

    equal: list[str] = field(default_factory=list)
    join: list[str] = field(default_factory=list)
    span: list[str] = field(default_factory=list)
    order: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Use:
    """One column in the text: where it stands (clause), its comparison (empty for none), and whether a name stands on the other side."""

    owner: str
    column: str
    clause: str
    sign: str
    joins: bool


def roles(sql: str, columns: Mapping[str, Sequence[str]]) -> dict[str, Roles]:
    """What `sql` does with the columns of each table in `columns` that it names."""
    words = _words(sql)
    named = aliases(sql, columns)
    found = {table: Roles() for tables in named.values() for table in tables}
    for use in _uses(words):
        owners = named.get(use.owner, []) if use.owner else list(found)
        for table in owners:
            exact = {c.casefold(): c for c in columns[table]}.get(use.column)
            if exact:
                _file_under(found[table], use, exact)
    return found


def aliases(sql: str, columns: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Every name (folded) under which `sql` speaks of a table, with the tables meant (one alias may return in a subquery)."""
    words = _words(sql)
    known = {t.casefold(): t for t in columns}
    found: dict[str, list[str]] = {}
    for at, word in enumerate(words):
        table = known.get(_bare(word))
        if table is None or at == 0 or words[at - 1].upper() not in {"FROM", "JOIN", ","}:
            continue
        rest = [w for w in words[at + 1 : at + 3] if w.upper() != "AS"]
        alias = _bare(rest[0]) if rest and _is_name(rest[0]) and rest[0].upper() not in _NOT_ALIAS else table.casefold()
        found.setdefault(alias, [])
        if table not in found[alias]:
            found[alias].append(table)
    return found


def _words(sql: str) -> list[str]:
    return [m.group(0) for m in _TOKEN.finditer(sql) if m.lastgroup]


def _is_name(word: str) -> bool:
    return bool(re.match(r"[A-Za-z_\"\[`]", word))


def _bare(word: str) -> str:
    return word.strip('"[]`').casefold()


def _uses(words: Sequence[str]) -> list[_Use]:
    """Every name in the text that could be a column, with its clause. A parenthesis opens a clause that ends with it."""
    clause, outer, found = "", [], []
    at = 0
    while at < len(words):
        word = words[at]
        if word == "(":
            outer.append(clause)
        elif word == ")" and outer:
            clause = outer.pop()
        elif word.upper() in _CLAUSES:
            clause = word.upper()
        elif _is_name(word):
            end = at + 2 if at + 2 < len(words) and words[at + 1] == "." and _is_name(words[at + 2]) else at
            owner = _bare(word) if end > at else ""
            found.append(_Use(owner, _bare(words[end]), clause, *_comparison(words, at, end)))
            at = end
        at += 1
    return found


def _comparison(words: Sequence[str], first: int, last: int) -> tuple[str, bool]:
    """The sign beside the name that spans `first` to `last`, and whether a column stands on its other side."""
    after = words[last + 1].upper() if last + 1 < len(words) else ""
    if after in _EQUAL | _RANGE:
        return after, _is_column(words, last + 2)
    before = words[first - 1].upper() if first else ""
    if before in _EQUAL | _RANGE and first > 1:
        return before, _is_column(words, first - 2)
    return "", False


def _is_column(words: Sequence[str], at: int) -> bool:
    """A name that is no value and no function."""
    if at >= len(words) or not _is_name(words[at]) or words[at].upper() in _VALUES:
        return False
    return at + 1 >= len(words) or words[at + 1] != "("


def _file_under(roles: Roles, use: _Use, column: str) -> None:
    filters = use.clause in ("WHERE", "ON")
    if use.clause in ("GROUP", "ORDER"):
        into = roles.order
    elif use.clause == "USING" or (filters and use.sign in _EQUAL and use.joins):
        into = roles.join
    elif filters and use.sign in _EQUAL:
        into = roles.equal
    elif filters and use.sign in _RANGE:
        into = roles.span
    else:
        return
    if column not in into:
        into.append(column)
