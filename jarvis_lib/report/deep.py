"""How does an executed notebook become a page that can be read? Its words, charts and tables, without its code; the brief links to it.

A chart is an image inside of the page, so nothing in it can run or load; words and tables are scrubbed as in a brief.
"""

import base64
import hashlib
import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

from jarvis_lib.model.fact import Fact, stamp
from jarvis_lib.model.prose import clean
from jarvis_lib.report.clock import when
from jarvis_lib.report.page import render_notebook, scrub
from jarvis_lib.report.parts import PAGES
from jarvis_lib.report.publish import LATEST, deep_path, put
from jarvis_lib.store.place import Place

_QUOTED = re.compile(r'<td>(?:"|&quot;)(.*?)(?:"|&quot;)</td>', re.DOTALL)
_FRACTION = re.compile(r"(?<=\d\d:\d\d:\d\d)\.\d{6}")


def publish_deep(place: Place, notebook: Path, component: str, said: str, *, as_of: datetime) -> Fact:
    """Write the page of an executed notebook to `reports/YYYY/MM/`; the fact that tells of it, for the caller to write."""
    target = deep_path(place.home, component, as_of, place.zone)
    html = deep_html(json.loads(notebook.read_text(encoding="utf-8")), component, said, when(as_of, place.zone, now=as_of), brief=f"../../{LATEST}")
    put(target, html)
    digest = hashlib.sha256(html.encode()).hexdigest()
    return place.fact("brief.made", kind=component, as_of=stamp(as_of), path=target.relative_to(place.home).as_posix(), headline=said, sha256=digest)


def deep_html(notebook: dict[str, Any], component: str, said: str, at: str, *, brief: str = "") -> str:
    """The page: markdown as words, outputs as charts and tables; code is left out, an error is shown. `brief` is the way to the newest one."""
    back = f' · <a href="{brief}">the newest brief</a>' if brief else ""
    pieces = [f'<p class="kicker">{at} · made by notebooks/{component}.ipynb{back}</p>']
    for cell in notebook["cells"]:
        pieces += [_words("".join(cell["source"]))] if cell["cell_type"] == "markdown" else [_shown(o) for o in cell.get("outputs", ())]
    headline = f"{PAGES.get(component, component)}: {clean(said)}"
    meta = {"description": headline}
    return render_notebook([p for p in pieces if p], {"title": f"{headline} · Jarvis", "meta": meta, "kind": "deep"})


def _words(source: str) -> str:
    import mistune

    return scrub(str(mistune.html(source)))


def _bare(cell: re.Match[str]) -> str:
    """A frame's text without the quotation marks around it."""
    return f"<td>{cell[1]}</td>"


def _shown(output: dict[str, Any]) -> str:
    from markupsafe import escape

    data = output.get("data", {})
    if "image/svg+xml" in data:
        drawn = base64.b64encode("".join(data["image/svg+xml"]).encode()).decode()
        named = clean("".join(data.get("text/plain", "chart"))).strip("<>")
        return f'<figure><img alt="{escape(named)}" src="data:image/svg+xml;base64,{drawn}"></figure>'
    if "text/html" in data:
        table = _QUOTED.sub(_bare, scrub("".join(data["text/html"])))
        return f'<div class="wide">{_FRACTION.sub("", table).replace("<td>null</td>", "<td></td>")}</div>'
    if output["output_type"] == "error":
        return f"<pre>{escape(clean(output['ename']))}: {escape(clean(output['evalue']))}</pre>"
    text = "".join(output.get("text", data.get("text/plain", "")))
    return f"<p>{escape(text.strip())}</p>" if text.strip() else ""
