"""The sandbox: what may a process tree of an attempt see and do on this machine, and does it really hold?"""

from jarvis_lib.execution.sandbox.jail import LEVELS, Jail

__all__ = ["LEVELS", "Jail"]
