"""Does the report give the mean departure delay of the flights that left? Exit 0 or 1, with both numbers."""

import re
import sqlite3
import sys
from pathlib import Path

database, report = sys.argv[1:]
if not Path(report).is_file():
    sys.exit(f"{report} is not there yet")
con = sqlite3.connect(f"{Path(database).resolve().as_uri()}?mode=ro", uri=True)
(true,) = con.execute("SELECT AVG(dep_delay) FROM flights WHERE dep_delay IS NOT NULL").fetchone()
said = re.search(r"delay: ([\d.]+) min", Path(report).read_text(encoding="utf-8"))
if said is None or abs(float(said.group(1)) - true) >= 0.005:
    sys.exit(f"the report says {said.group(1) if said else 'nothing'} min, the database {true:.2f} min")
sys.stdout.write(f"the report and the database agree on {true:.2f} min\n")
