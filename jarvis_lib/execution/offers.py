"""Which recipe does a category bring, can the workspace fill it, and what does a recipe's own card promise to prove?

A recipe notebook carries a card in its metadata (`"jarvis"`): where its parameters come from, what it changes, and the checks and
measures that would prove it. Reading it starts no kernel and loads nothing heavy.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jarvis_lib.execution.own_state import refuse_own_state
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean, hint, listed
from jarvis_lib.model.task import Recipe

if TYPE_CHECKING:
    from typing import Protocol

    from jarvis_lib.execution.parameters import Parameter

    class Sources(Protocol):
        """Settings, or anything else with their values: `[recipes]` names the notebooks, `[sources]` fills them."""

        @property
        def values(self) -> dict[str, dict[str, Any]]:
            """Section, then key, then value."""


FILLED_BY_WORKER = ("run_id", "as_of", "out_dir", "workspace")
"""Notebook parameters that the worker gives when nobody else did."""
LATE = ("python", "changed", "kept", "out_dir")
"""Placeholders of a command that only the night can fill."""

_PLACEHOLDER = r"\{([a-z_][a-z0-9_]*)\}"


class Offer:
    """A notebook recipe with its card and parameters. `lacks` says why it cannot run, or is empty."""

    __slots__ = ("card", "known", "lacks", "recipe")

    def __init__(self, recipe: Recipe, card: Mapping[str, Any], known: "Mapping[str, Parameter]", lacks: str = "") -> None:
        self.recipe, self.card, self.known, self.lacks = recipe, card, known, lacks


def default_recipe(home: Path, settings: "Sources", category: str) -> Offer | None:
    """The first recipe of `[recipes]` for `category` whose required parameters the workspace can fill."""
    return next((o for o in offers(home, settings, category) if not o.lacks), None)


def offers(home: Path, settings: "Sources", category: str) -> Iterator[Offer]:
    """Each default notebook of `category`, in the order of the settings, with what it lacks."""
    key = re.sub(r"\W+", "_", category.casefold())
    for path in settings.values["recipes"].get(key, ()):
        recipe = Recipe("notebook", notebook=path, origin="default")
        if not (home / path).is_file():
            yield Offer(recipe, {}, {}, f"{path} is not there")
            continue
        try:
            card, known = _read(home / path)
        except Refused as error:
            yield Offer(recipe, {}, {}, error.sentence.rstrip("."))
            continue
        values, lacks = _fill(home, settings, card, known)
        yield Offer(Recipe("notebook", notebook=path, parameters=values, origin="default"), card, known, lacks and f"{Path(path).name}: {lacks}")


def notebook_recipe(home: Path, path: str, given: Mapping[str, Any]) -> Offer:
    """The person's own notebook. Refuses a missing file, a name that it does not have, and a required one left out."""
    name = _notebook(home, path)
    card, known = _read(home / name)
    if given and not known:
        raise Refused(f"{name} has no parameters cell: tag a cell `parameters` and set the defaults in it, or leave out -p.", code="usage")
    for word in given:
        if word not in known:
            raise Refused(f"{name} has no parameter {clean(word)[:60]!r}.{hint(word, known)} It has {listed(list(known))}.", code="usage")
    missing = [p for p, what in known.items() if what.required and p not in given and p not in FILLED_BY_WORKER]
    if missing:
        raise Refused(f"{name} needs {listed(missing)}; give {' '.join(f'-p {p}=…' for p in missing)}.", code="usage")
    return Offer(Recipe("notebook", notebook=name, parameters=dict(given)), card, known)


def _read(file: Path) -> "tuple[Mapping[str, Any], Mapping[str, Parameter]]":
    from jarvis_lib.execution.parameters import read_parameters, recipe_card

    return recipe_card(file), read_parameters(file)


def _notebook(home: Path, path: str) -> str:
    name = clean(path)
    if not name.endswith(".ipynb"):
        raise Refused(f"{name[:120]!r} is not a notebook (.ipynb); run other programs with --command.", code="usage")
    file = home / name
    if not file.is_file():
        near = hint(name, [p.relative_to(home).as_posix() for p in (home / "notebooks").glob("**/*.ipynb")])
        raise Refused(f"There is no notebook {name[:120]!r} in {home}.{near}", code="usage")
    try:
        return file.resolve().relative_to(home.resolve()).as_posix()
    except ValueError:
        raise Refused(f"{name[:120]!r} lies outside of the workspace {home}; copy it into notebooks/ first.", code="usage") from None


def _fill(home: Path, settings: "Sources", card: Mapping[str, Any], known: "Mapping[str, Parameter]") -> tuple[dict[str, Any], str]:
    """(values that the card's `fills` find in the workspace, why that is not enough or an empty string)."""
    values: dict[str, Any] = {}
    lacking: dict[str, str] = {}
    for parameter, source in card.get("fills", {}).items():
        value, why = _source(home, settings, source)
        if why:
            lacking[parameter] = why
        elif parameter in known:
            values[parameter] = value
    for parameter, what in known.items():
        if what.required and parameter not in values and parameter not in FILLED_BY_WORKER:
            return values, lacking.get(parameter, f"nothing fills {parameter!r}")
    return values, ""


def _source(home: Path, settings: "Sources", source: str) -> tuple[Any, str]:
    if source.startswith("="):
        return source[1:], ""
    section, _, key = source.partition(".")
    value = settings.values.get(section, {}).get(key, "")
    if not value:
        return "", f"[{section}] {key} is not set in jarvis.toml"
    if not (home / value).exists():
        return "", f"[{section}] {key} names {value!r}, which is not there"
    if Path(value).is_absolute() and Path(value).resolve().is_relative_to(home.resolve()):
        value = Path(value).resolve().relative_to(home.resolve()).as_posix()
    return value, ""


# --- what a card promises ------------------------------------------------------------------------------------------------


def known_values(offer: Offer) -> dict[str, Any]:
    """The parameters as the run will see them: given ones, and defaults that are plain text or numbers."""
    return _defaults(offer.known) | offer.recipe.parameters


def card_paths(offer: Offer) -> list[str]:
    """The card's `changes` whose placeholders can all be filled."""
    values = known_values(offer)
    patterns = offer.card.get("changes", ())
    return [re.sub(_PLACEHOLDER, lambda m: str(values[m[1]]), p) for p in patterns if all(n in values for n in re.findall(_PLACEHOLDER, p))]


def card_commands(offer: Offer, kind: str) -> list[dict[str, Any]]:
    """The card's `checks` or `measures` as fields, commands filled in and quoted. One that lacks a value is left out."""
    import shlex

    quoted = {n: shlex.quote(str(v)) for n, v in known_values(offer).items() if n not in LATE}
    found = []
    for promise in offer.card.get(kind, ()):
        own: dict[str, Any] = {"command": promise} if isinstance(promise, str) else dict(promise)
        if all(n in quoted or n in LATE for n in re.findall(_PLACEHOLDER, own["command"])):
            found.append(own | {"command": re.sub(_PLACEHOLDER, lambda m: quoted.get(m[1], m[0]), own["command"])})
    return found


def _defaults(known: "Mapping[str, Parameter]") -> dict[str, Any]:
    import ast

    found: dict[str, Any] = {}
    for name, what in known.items():
        try:
            value = ast.literal_eval(what.default_source) if what.default_source else None
        except (ValueError, SyntaxError):
            continue  # an expression: only the kernel knows its value
        if value not in (None, ""):
            found[name] = value
    return found


def below(home: Path, paths: Iterable[str]) -> tuple[str, ...]:
    """The paths, relative to the workspace. Refuses one that is empty, is the workspace itself or lies outside of it."""
    return tuple(dict.fromkeys(_below(home, p) for p in paths))


def _below(home: Path, path: str) -> str:
    root = home.resolve()
    full = (root / path).resolve()
    if path.strip() and full != root and full.is_relative_to(root):
        relative = full.relative_to(root).as_posix()
        refuse_own_state(relative)
        return relative
    raise Refused(
        f"{clean(path)[:120]!r} does not lie below the workspace {home}, so undo could not put it back; name a file or folder in it.",
        code="usage",
    )
