"""What did an older system know, and what becomes of it here? JSON state, a Markdown checklist, or an export of another workspace.

Each item comes in once, whatever is imported how often; what is left out is told one by one, with the reason. Nothing that an older system had
approved or proved is believed.
"""

from jarvis_lib.doors.importing.bringing import import_state, kept
from jarvis_lib.doors.importing.items import Report
from jarvis_lib.doors.importing.restoring import is_export, restore

__all__ = ["Report", "import_state", "is_export", "kept", "restore"]
