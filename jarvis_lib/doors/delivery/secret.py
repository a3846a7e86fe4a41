"""What are the passwords and addresses that the person keeps apart from the settings?"""

from collections.abc import Sequence

from jarvis_lib.execution import secrets
from jarvis_lib.model.settings import Settings


def secret(settings: Settings, names: Sequence[str]) -> list[str]:
    """The values of these secrets of the person. Refuses a name that is nowhere, and a file that others can read."""
    own = settings.values["secrets"]
    found = secrets.granted(names, file=own["file"], keyring=own["keyring"])
    return [found[name] for name in names]
