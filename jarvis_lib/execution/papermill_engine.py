"""Our papermill engine: cell states that are true, and a guard that can end the notebook between cells and inside them.

Plain papermill calls every cell of a killed or interrupted notebook "completed". Here a cell is completed when it ran to its end,
failed when it raised or its kernel died, interrupted when the guard hit it, and pending when it never ran.
"""

import logging
from pathlib import Path
from typing import Any

import papermill
from nbclient.exceptions import CellExecutionError, DeadKernelError
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, NotebookExecutionManager, papermill_engines
from papermill.exceptions import PapermillExecutionError

from jarvis_lib.execution.kernel import KERNEL
from jarvis_lib.execution.papermill_run import Guard, NotebookEnded
from jarvis_lib.model.prose import size

ENGINE = "jarvis"
_AUTOSAVE_S = 30


def execute(path: Path, partial: Path, parameters: dict[str, Any], guard: Guard, manager: Any) -> Exception | None:
    """Run the notebook in the manager's kernel; the error that ended it, or None. The executed copy is at `partial` either way."""
    _quiet()
    papermill_engines.register(ENGINE, JarvisEngine)
    try:
        papermill.execute_notebook(
            str(path),
            str(partial),
            parameters,
            engine_name=ENGINE,
            kernel_name=KERNEL,
            language="python",
            progress_bar=False,
            autosave_cell_every=_AUTOSAVE_S,
            guard=guard,
            manager=manager,
        )
    except (PapermillExecutionError, CellExecutionError, DeadKernelError, NotebookEnded, RuntimeError, TimeoutError) as error:
        return error if isinstance(error, Exception) else None
    return None


def _quiet() -> None:
    """Papermill and nbclient log what we say in our own words."""
    for name in ("papermill", "traitlets"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


class GuardedClient(PapermillNotebookClient):  # type: ignore[misc]  # papermill is untyped
    """Runs the cells under the guard and keeps their output within its limit."""

    def __init__(self, nb_man: Any, *, guard: Guard, **more: Any) -> None:
        super().__init__(nb_man, **more)
        self.guard = guard
        self.kept_bytes = 0

    def papermill_execute_cells(self) -> None:
        """Cell after cell until one fails or the guard ends it (NotebookEnded); no cell that did not end is called completed."""
        for index, cell in enumerate(self.nb.cells):
            if self.guard.look():
                raise NotebookEnded
            self.nb_man.cell_start(cell, index)
            try:
                self.execute_cell(cell, index)
            except CellExecutionError as error:
                self._mark(cell, index, error)
                if self.guard.reason:
                    raise NotebookEnded from error
                return
            except BaseException as error:
                self._mark(cell, index, error)
                raise
            if self.guard.reason and cell.cell_type == "code":
                cell.metadata.papermill["status"] = "interrupted"
                raise NotebookEnded
            self.nb_man.cell_complete(cell, cell_index=index)

    def _mark(self, cell: Any, index: int, error: BaseException) -> None:
        self.nb_man.cell_exception(cell, cell_index=index, exception=error)
        if self.guard.reason:
            cell.metadata.papermill["status"] = "interrupted"

    def output(self, outs: Any, msg: Any, display_id: Any, cell_index: int) -> Any:
        """Count every output, keep it while there is room, say once that there is none."""
        content = msg["content"]
        text = content.get("text", "") if msg["msg_type"] == "stream" else ""
        if text and self.guard.out is not None:
            self.guard.out.write(text.encode("utf-8", "replace"))
        before = self.kept_bytes
        self.kept_bytes += len(text) or sum(len(str(v)) for v in content.get("data", {}).values())
        limit = self.guard.limits.output_bytes
        if self.kept_bytes <= limit or msg["msg_type"] == "error":
            return super().output(outs, msg, display_id, cell_index)
        if before <= limit:
            note = f"\n[… more output than {size(limit)}: the rest was left out …]\n"
            return super().output(outs, msg | {"msg_type": "stream", "content": {"name": "stdout", "text": note}}, None, cell_index)
        return None


class JarvisEngine(NBClientEngine):  # type: ignore[misc]  # papermill is untyped
    """Papermill's own engine, but for what it says when a notebook does not come to its end."""

    @classmethod
    def execute_notebook(cls, nb: Any, kernel_name: str, output_path: str | None = None, **more: Any) -> Any:
        """Run all cells under `more["guard"]` and give the notebook back; how it ended is written down even when this raises."""
        guard: Guard = more["guard"]
        keeper = NotebookExecutionManager(nb, output_path=output_path, progress_bar=False, autosave_cell_every=_AUTOSAVE_S)
        guard.notebook = keeper.nb
        keeper.nb.metadata.papermill["output_path"] = str(guard.final)
        keeper.notebook_start()
        ended = False
        try:
            client = GuardedClient(keeper, guard=guard, km=more["manager"], kernel_name=kernel_name, timeout=None, startup_timeout=60)
            try:
                client.execute()
            finally:
                # nbclient leaves the channels to a kernel that it did not start itself: a thread and a dozen open files for each notebook.
                if client.kc is not None:
                    client.kc.stop_channels()
            ended = not keeper.nb.metadata.papermill["exception"]
        finally:
            _close(keeper, ended)
        return keeper.nb


def _close(keeper: Any, ended: bool) -> None:
    """The notebook's own times and whether it failed; cells that never ran stay pending."""
    own = keeper.nb.metadata.papermill
    end = keeper.now()
    own["end_time"], own["duration"] = end.isoformat(), (end - keeper.start_time).total_seconds()
    own["exception"] = True if not ended else own["exception"]
    keeper.save()
