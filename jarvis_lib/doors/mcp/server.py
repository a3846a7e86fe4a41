"""How do agents' programs reach the tools? JSON-RPC on standard input and output, by the official SDK; nothing else is ever written there.

One call at a time: an embedded database is opened for moments, and twenty calls in a row are sooner done than twenty that wait for each other. A tool's
refusal is a result with one sentence that the model can read; a resource or prompt that is not there is an error of the protocol, with one sentence too.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from jarvis_lib import __version__
from jarvis_lib.doors.mcp.tools import INSTRUCTIONS
from jarvis_lib.model.extras import install_line
from jarvis_lib.model.fact import Refused
from jarvis_lib.store.place import Place

if TYPE_CHECKING:
    from mcp.server.lowlevel import Server

MISSING = f"The door for agents needs the package mcp, which is not installed; install it with: {install_line('mcp')}"


def serve(open_place: Callable[[], Place], *, attempt: str = "") -> None:
    """Answer on standard input and output until the host closes it. `open_place` gives the workspace, signed by the agent, anew for each call."""
    try:
        import anyio
        from mcp.server.stdio import stdio_server
    except ModuleNotFoundError as error:
        raise Refused(MISSING, code="failed") from error

    async def answer() -> None:
        server = made(open_place, attempt=attempt)
        async with stdio_server() as (reads, writes):
            await server.run(reads, writes, server.create_initialization_options())

    anyio.run(answer)


def made(open_place: Callable[[], Place], *, attempt: str = "") -> "Server[Any]":
    """The server with its tools, resources and prompt."""
    from mcp.server.lowlevel import Server

    from jarvis_lib.doors.mcp.answering import Answers

    answers = Answers(open_place, attempt)
    return Server(
        "jarvis",
        version=__version__,
        instructions=INSTRUCTIONS,
        on_list_tools=answers.list_tools,
        on_call_tool=answers.call_tool,
        on_list_resources=answers.list_resources,
        on_list_resource_templates=answers.list_templates,
        on_read_resource=answers.read_resource,
        on_list_prompts=answers.list_prompts,
        on_get_prompt=answers.get_prompt,
    )
