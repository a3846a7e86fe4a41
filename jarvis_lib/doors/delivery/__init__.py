"""Who is told, on which channel, and did it arrive? Briefs and alerts by email and apprise, events to hooks; each once, out of one outbox.

The promise: nothing that happened is lost between the store and its message, nothing is sent twice for its channel unless a process died in the
middle of it, nothing of it ever waits in the night's way, and a channel that fails is told in the next brief.
"""

from jarvis_lib.doors.delivery.outbox import listing
from jarvis_lib.doors.delivery.posting import post
from jarvis_lib.doors.delivery.trying import preview, try_channel

__all__ = ["listing", "post", "preview", "try_channel"]
