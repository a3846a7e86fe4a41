"""Which task does this text name? Ids are accepted as a unique prefix, everywhere in the same way."""

from jarvis_lib.model.book import Row
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean
from jarvis_lib.model.task_row import name_of
from jarvis_lib.store.store import Reader

PREFIX = 5


def find(reader: Reader, text: str) -> Row:
    """The task that `text` names: its id, or a unique prefix of at least PREFIX characters. Refuses anything else."""
    word = clean(text).lower()
    if len(word) < PREFIX:
        raise Refused(f"{word!r} is too short for a task id; give at least {PREFIX} characters.", code="usage")
    found = reader.rows("autonomous_queue.by_prefix", prefix=word)
    if not found:
        raise Refused(f"There is no task {word!r}; `jarvis queue list` shows all.", code="missing")
    if len(found) > 1:
        raise Refused(f"{word!r} could be {', '.join(name_of(r) for r in found)}; give more characters.", code="missing")
    return found[0]
