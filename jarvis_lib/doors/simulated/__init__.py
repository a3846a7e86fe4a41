"""What does a life with Jarvis look like when nobody has lived it yet? Histories that a seeded generator makes up, told as such wherever they are shown."""

from jarvis_lib.doors.simulated.shortfalls import simulate_shortfalls
from jarvis_lib.doors.simulated.year import simulate_year

__all__ = ["simulate_shortfalls", "simulate_year"]
