"""Does each line of the report give the database's own mean, inside its interval? Exit 0 or 1, with the first line that does not."""

import re
import sqlite3
import sys
from pathlib import Path

database, report, group = sys.argv[1:]
if not Path(report).is_file():
    sys.exit(f"{report} is not there yet")
con = sqlite3.connect(f"{Path(database).resolve().as_uri()}?mode=ro", uri=True)
true = dict(con.execute(f"SELECT {group}, AVG(arr_delay) FROM flights WHERE arr_delay IS NOT NULL GROUP BY {group}"))
said = {
    m[0]: [float(v) for v in m[1:]] for m in re.findall(r"(?m)^\| (\w+) \| (-?[\d.]+) \| (-?[\d.]+) to (-?[\d.]+) \|", Path(report).read_text(encoding="utf-8"))
}
if set(said) != set(true):
    sys.exit(f"the report has {len(said)} of {len(true)} groups")
for name, (mean, low, high) in said.items():
    if abs(mean - true[name]) >= 0.006 or not low - 0.006 <= mean <= high + 0.006:
        sys.exit(f"{name}: the report says {mean} ({low} to {high}), the database {true[name]:.2f}")
sys.stdout.write(f"{len(said)} means agree with the database and lie in their intervals\n")
