"""How does Jarvis start by itself? Lines in the person's crontab or timers of their systemd knock, and a ledger says what is to be done.

Every knock (`--from-cron`) asks the slot ledger first: is this slot to be run, is it claimed or done, or is its time over? Then it claims the
slot, does the work and says nothing unless there is something to say. The catch-up, every fifteen minutes, does whatever was not done in time.
"""
