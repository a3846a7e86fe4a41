"""How does a kernel draw? Every Altair chart as JupyterLab draws it without a network, also in a notebook that is not trusted.

Altair is not loaded for that: IPython keeps the name of its class until the first chart is there to be shown.
"""

import sys
from typing import Any


def settle() -> None:
    """Charts of this kernel are drawn by our renderer from now on. Nothing happens outside of a kernel."""
    shell = _shell()
    if shell is None:
        return
    shown = shell.display_formatter.mimebundle_formatter
    shown.for_type_by_name("altair.vegalite.v6.api", "TopLevelMixin", _bundle)


def _shell() -> Any:
    get: Any = getattr(sys.modules.get("IPython"), "get_ipython", None)  # absent while IPython itself is still being imported
    found = get() if get else None
    return found if hasattr(found, "display_formatter") else None


def _bundle(chart: Any, include: Any = None, exclude: Any = None) -> Any:
    """The MIME bundle of one chart; a renderer that the person chose is left to it."""
    import altair as alt

    from jarvis_lib.report.charts import render

    return render(chart.to_dict()) if alt.renderers.active in ("default", "jarvis") else chart._repr_mimebundle_(include, exclude)
