"""What is missing for a channel that is switched on? Looked up without sending anything."""

from importlib.util import find_spec

from jarvis_lib.doors.delivery.secret import secret
from jarvis_lib.model.delivery import HOOKS, SECRET, switched_on
from jarvis_lib.model.extras import install_line
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.settings import Settings


def troubles(settings: Settings) -> list[str]:
    """One sentence for each thing because of which a message would not leave."""
    on, wrong = switched_on(settings.values), []
    if "apprise" in on and find_spec("apprise") is None:
        wrong.append(f"apprise is switched on but not installed: {install_line('notify')}")
    names = settings.get("delivery", "urls") if "apprise" in on else []
    if "email" in on and settings.get("delivery.email", "password"):
        names = [*names, settings.get("delivery.email", "password")]
    set_for = [settings.get("hooks", h).strip() for h in HOOKS]
    names = [*names, *(line.removeprefix(SECRET).strip() for line in set_for if line.startswith(SECRET))]
    for name in names:
        try:
            secret(settings, [name])
        except Refused as error:
            wrong.append(error.sentence)
    return wrong
