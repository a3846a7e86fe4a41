"""How does an executed notebook become a page that can be read? Its words, charts and tables, without its code; the brief links to it.

A chart is an image inside of the page, and where scripts may run it becomes one that answers: the program that draws stands in the page once, is
allowed by a nonce, may not evaluate text, and nothing is fetched. Words and tables are scrubbed as in a brief. Above each answer stands the cell that
gave it, at the top the parameters of the run, so that any number can be traced.
"""

import base64
import hashlib
import json
import re
import secrets
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from jarvis_lib.model.fact import Fact, stamp
from jarvis_lib.model.prose import clean
from jarvis_lib.report.charts import MIME
from jarvis_lib.report.clock import day_of, time_of
from jarvis_lib.report.headings import headed, spoken
from jarvis_lib.report.page import TEMPLATES, render_notebook, scrub
from jarvis_lib.report.parts import PAGES
from jarvis_lib.report.publish import LATEST, deep_path, put
from jarvis_lib.store.place import Place

_QUOTED = re.compile(r'<td>(?:"|&quot;)(.*?)(?:"|&quot;)</td>', re.DOTALL)
_FRACTION = re.compile(r"(?<=\d\d:\d\d:\d\d)\.\d{6}")


def publish_deep(place: Place, notebook: Path, component: str, said: str, *, as_of: datetime) -> Fact:
    """Write the page of an executed notebook to `reports/YYYY/MM/`; the fact that tells of it, for the caller to write."""
    target = deep_path(place.home, component, as_of, place.zone)
    html = deep_html(
        json.loads(notebook.read_text(encoding="utf-8")),
        component,
        said,
        f"as of {day_of(as_of, place.zone)} {time_of(as_of, place.zone)}",
        brief=f"../../{LATEST}",
    )
    put(target, html)
    digest = hashlib.sha256(html.encode()).hexdigest()
    return place.fact("brief.made", kind=component, as_of=stamp(as_of), path=target.relative_to(place.home).as_posix(), headline=said, sha256=digest)


def question_of(notebook: Path) -> str:
    """The question that a notebook asks: the first paragraph below its title."""
    first = next(("".join(c["source"]) for c in json.loads(notebook.read_text(encoding="utf-8"))["cells"] if c["cell_type"] == "markdown"), "")
    paragraphs = [p for p in first.split("\n\n") if p.strip() and not p.lstrip().startswith("#")]
    return clean(paragraphs[0]) if paragraphs else ""


def deep_html(notebook: dict[str, Any], component: str, said: str, at: str, *, brief: str = "") -> str:
    """The page: markdown as words, outputs as charts and tables; code is left out, an error is shown. `brief` is the way to the newest one."""
    from markupsafe import escape

    back = f' · <a href="{brief}">the newest brief</a>' if brief else ""
    pieces = [f'<p class="kicker">{at} · made by notebooks/{component}.ipynb{back}</p>', _parameters(notebook)]
    specs: list[dict[str, Any]] = []
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            pieces.append(_words("".join(cell["source"])))
        elif cell["cell_type"] == "code":
            shown = [_shown(o, specs, str(cell.get("id", ""))) for o in cell.get("outputs", ())]
            traced = f'<p class="small">cell {escape(clean(str(cell["id"])))}</p>' if any(shown) and cell.get("id") else ""
            pieces += [traced, *shown]
    headline = f"{PAGES.get(component, component)}: {clean(said)}"
    about: dict[str, Any] = {"title": f"{headline} · Jarvis", "meta": {"description": headline}, "kind": "deep"}
    nonce = secrets.token_urlsafe(18)
    return render_notebook([p for p in pieces if p], about | ({"nonce": nonce, "scripts": "".join(_scripts(specs, nonce))} if specs else {}))


def _parameters(notebook: dict[str, Any]) -> str:
    """With what it was run, as papermill wrote it down; folders of this machine are left out."""
    from markupsafe import escape

    given = notebook.get("metadata", {}).get("papermill", {}).get("parameters", {})
    told = [f"{name} = {json.dumps(v, ensure_ascii=False)}" for name, v in given.items() if name not in ("workspace", "home", "snapshot", "out") and v]
    return f'<p class="small">Parameters: {escape(clean("; ".join(told))[:600])}</p>' if told else ""


def _scripts(specs: list[dict[str, Any]], nonce: str) -> Iterator[str]:
    """The charts as data, the program that draws, and the few lines that put both together."""
    for number, spec in enumerate(specs):
        own = {k: v for k, v in spec.items() if k != "$schema"}
        yield f'<script type="application/json" id="chart-{number}">{_safe_json(own)}</script>\n'
    yield f'<script nonce="{nonce}">{_program()}</script>\n'
    yield f'<script nonce="{nonce}">{(TEMPLATES / "jarvis" / "charts.js").read_text(encoding="utf-8")}</script>\n'


@cache
def _program() -> str:
    """Vega with Vega-Lite and its embedding, which vl-convert carries; made once in a process (two seconds)."""
    import vl_convert

    return str(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")).replace("</script", "<\\/script")


def _safe_json(value: Any) -> str:
    """JSON that cannot end the script element it stands in."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


def _words(source: str) -> str:
    import mistune

    return spoken(scrub(str(mistune.html(source))))


def framed(table: str) -> str:
    """A frame's HTML as people read it. Its texts, which stand in quotation marks until the end, are left as they are, also one that looks like a number."""
    told = headed(table).replace("<td>null</td>", "<td></td>")
    return _QUOTED.sub(_bare, _FRACTION.sub("", told))


def _bare(cell: re.Match[str]) -> str:
    """A frame's text without the quotation marks around it."""
    return f"<td>{cell[1]}</td>"


def _shown(output: dict[str, Any], specs: list[dict[str, Any]], cell: str) -> str:
    """One output of a cell; the specification of a chart is added to `specs`, and drawn over its image."""
    from markupsafe import escape

    data = output.get("data", {})
    if "image/svg+xml" in data:
        drawn = base64.b64encode("".join(data["image/svg+xml"]).encode()).decode()
        named = clean("".join(data.get("text/plain", "chart"))).strip("<>")
        live = ""
        if isinstance(data.get(MIME), dict):
            live = f' data-chart="chart-{len(specs)}" aria-label="{escape(named)}"'
            specs.append(data[MIME])
        return f'<figure{live}><img alt="{escape(named)}" src="data:image/svg+xml;base64,{drawn}"></figure>'
    if "text/html" in data:
        table = framed(scrub("".join(data["text/html"])))
        empty = '<p class="small">No row.</p>' if "<tbody></tbody>" in table else ""
        return f'<div class="wide" tabindex="0" role="region" aria-label="A table of cell {escape(clean(cell))}">{table}</div>{empty}'
    if output["output_type"] == "error":
        return f"<pre>{escape(clean(output['ename']))}: {escape(clean(output['evalue']))}</pre>"
    text = "".join(output.get("text", data.get("text/plain", "")))
    mark = "pre" if "\n" in text.strip() else "p"
    return f"<{mark}>{escape(text.strip())}</{mark}>" if text.strip() else ""
