"""Are the arguments of a call of the right kind and size? One sentence says what is wrong, and never repeats what was sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean, hint, listed

_KINDS = {"text": "a text", "whole": "a whole number", "word": "one word", "flag": "true or false", "texts": "a list of texts"}


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument: its kind (text, whole, word, flag, texts), what it means, and its limits. `most` counts characters, or is the largest number."""

    name: str
    kind: str
    said: str
    required: bool = False
    least: int = 0
    most: int = 0
    words: Sequence[str] = ()
    default: Any = None
    items: int = 10

    def schema(self) -> dict[str, Any]:
        """As JSON Schema says it."""
        own: dict[str, Any] = {"description": self.said}
        if self.kind == "whole":
            own |= {"type": "integer", "minimum": self.least, "maximum": self.most}
        elif self.kind == "flag":
            own |= {"type": "boolean"}
        elif self.kind == "texts":
            own |= {"type": "array", "maxItems": self.items, "items": {"type": "string", "maxLength": self.most}}
        elif self.kind == "word":
            own |= {"type": "string", "enum": list(self.words)}
        else:
            own |= {"type": "string", "minLength": self.least, "maxLength": self.most}
        return own if self.required or self.default is None else own | {"default": self.default}


def schema(arguments: Sequence[Argument]) -> dict[str, Any]:
    """The JSON Schema of a whole call."""
    return {
        "type": "object",
        "properties": {a.name: a.schema() for a in arguments},
        "required": [a.name for a in arguments if a.required],
        "additionalProperties": False,
    }


def read(arguments: Sequence[Argument], given: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a call, defaults filled in. Raises Refused with one sentence for the first thing that is wrong."""
    known = [a.name for a in arguments]
    for name in given:
        if name not in known:
            raise Refused(f"There is no argument {clean(str(name))[:40]!r}.{hint(str(name)[:40], known)} Arguments: {listed(known)}.", code="usage")
    values = {}
    for own in arguments:
        if given.get(own.name) is None:
            if own.required:
                raise Refused(f"{own.name} is missing: {own.said}", code="usage")
            values[own.name] = own.default
        else:
            values[own.name] = _value(own, given[own.name])
    return values


def _value(own: Argument, value: Any) -> Any:
    good = {
        "text": isinstance(value, str),
        "word": isinstance(value, str),
        "flag": isinstance(value, bool),
        "whole": isinstance(value, int) and not isinstance(value, bool),
        "texts": isinstance(value, list) and all(isinstance(v, str) for v in value),
    }[own.kind]
    if not good:
        raise Refused(f"{own.name} must be {_KINDS[own.kind]}, not {_kind_of(value)}.", code="usage")
    if own.kind == "whole" and not own.least <= value <= own.most:
        raise Refused(f"{own.name} must be {own.least} to {own.most}.", code="usage")
    if own.kind == "word" and value not in own.words:
        raise Refused(f"{own.name} must be one of {', '.join(own.words)}.{hint(value[:60], own.words)}", code="usage")
    if own.kind == "text":
        _measure(own, value)
    if own.kind == "texts":
        if len(value) > own.items:
            raise Refused(f"{own.name} has {len(value):,} entries; the limit is {own.items}.", code="usage")
        for one in value:
            _measure(own, one)
    return value


def _measure(own: Argument, text: str) -> None:
    if len(text) > own.most:
        raise Refused(f"{own.name} has {len(text):,} characters; the limit is {own.most:,}.", code="usage")
    if len(clean(text, keep_lines=True)) < own.least:
        raise Refused(f"{own.name} is too short: {own.said}", code="usage")


def _kind_of(value: Any) -> str:
    if isinstance(value, bool):
        return "true or false"
    return {int: "a number", float: "a number", str: "a text", list: "a list", dict: "an object"}.get(type(value), "nothing")
