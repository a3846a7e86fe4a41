"""Mean arrival delay of each airline or airport with its bootstrap interval. Long work for a long night: its time grows with the draws.

Arguments: database, report, `carrier` or `dest`, draws. It notes its progress beside the report, so a run that was stopped goes on with the next group.
"""

import json
import random
import sqlite3
import sys
from pathlib import Path

database, report, group, draws = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
if group not in ("carrier", "dest"):
    sys.exit(f"group by carrier or dest, not {group}")
con = sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True)
found: dict[str, list[int]] = {}
for name, delay in con.execute(f"SELECT {group}, arr_delay FROM flights WHERE arr_delay IS NOT NULL ORDER BY {group}, rowid"):
    found.setdefault(name, []).append(delay)
progress = report.with_suffix(".progress.json")
report.parent.mkdir(parents=True, exist_ok=True)
done = json.loads(progress.read_text(encoding="utf-8")) if progress.is_file() else {}
for name, delays in found.items():
    if name in done:
        continue
    chance = random.Random(name)
    means = sorted(sum(chance.choices(delays, k=len(delays))) / len(delays) for _ in range(draws))
    done[name] = [sum(delays) / len(delays), means[int(0.025 * draws)], means[min(int(0.975 * draws), draws - 1)], len(delays)]
    temporary = progress.with_suffix(".tmp")
    temporary.write_text(json.dumps(done), encoding="utf-8")
    temporary.replace(progress)
    sys.stdout.write(f"{len(done)} of {len(found)}: {name}\n")
    sys.stdout.flush()
rows = [f"| {name} | {mean:.2f} | {low:.2f} to {high:.2f} | {flights:,} |" for name, (mean, low, high, flights) in sorted(done.items())]
head = [
    f"# Arrival delay by {group}",
    "",
    f"Minutes; 95 % intervals from {draws:,} bootstrap draws each.",
    "",
    f"| {group} | mean | interval | flights |",
    "|---|---|---|---|",
]
report.write_text("\n".join([*head, *rows, ""]), encoding="utf-8")
progress.unlink(missing_ok=True)
