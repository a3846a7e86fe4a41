"""How do agents' programs reach the tools? JSON-RPC on standard input and output, by the official SDK; nothing else is ever written there.

One call at a time: an embedded database is opened for moments, and twenty calls in a row are sooner done than twenty that wait for each other. A tool's
refusal is a result with one sentence that the model can read; a resource or prompt that is not there is an error of the protocol, with one sentence too.
"""

import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from jarvis_lib import __version__
from jarvis_lib.doors.mcp import resources
from jarvis_lib.doors.mcp.arguments import schema
from jarvis_lib.doors.mcp.tools import INSTRUCTIONS, TOOLS, call
from jarvis_lib.model.extras import install_line
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.settings import BadSettings
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
    import anyio
    import mcp_types as types
    from anyio.to_thread import run_sync
    from mcp.server.lowlevel import Server
    from mcp.shared.exceptions import MCPError

    one_by_one = anyio.CapacityLimiter(1)

    async def list_tools(ctx: Any, params: Any) -> types.ListToolsResult:
        return types.ListToolsResult(
            tools=[
                types.Tool(
                    name=tool.name,
                    description=tool.said,
                    input_schema=schema(tool.arguments),
                    annotations=types.ToolAnnotations(
                        read_only_hint=not tool.writes, destructive_hint=tool.destructive, idempotent_hint=tool.name != "report_progress", open_world_hint=False
                    ),
                )
                for tool in TOOLS.values()
            ]
        )

    async def call_tool(ctx: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        def run() -> tuple[dict[str, Any] | None, str]:
            return _told(lambda: call(TOOLS, open_place, params.name, params.arguments or {}, attempt=attempt))

        found, said = await run_sync(run, limiter=one_by_one)
        if found is None:
            return types.CallToolResult(content=[types.TextContent(text=said)], is_error=True)
        return types.CallToolResult(content=[types.TextContent(text=json.dumps(found, ensure_ascii=False, indent=1))], structured_content=found)

    async def list_resources(ctx: Any, params: Any) -> types.ListResourcesResult:
        found = [types.Resource(uri=uri, name=name, description=said, mime_type="text/plain") for uri, (name, said) in resources.FIXED.items()]
        return types.ListResourcesResult(resources=found)

    async def list_templates(ctx: Any, params: Any) -> types.ListResourceTemplatesResult:
        one = types.ResourceTemplate(uri_template=f"{resources.TASK}{{id}}", name="A task", description="One task with its text.", mime_type="text/plain")
        return types.ListResourceTemplatesResult(resource_templates=[one])

    async def read_resource(ctx: Any, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:
        uri = str(params.uri)

        def run() -> tuple[dict[str, Any] | None, str]:
            return _told(lambda: {"text": resources.text_of(open_place, uri)})

        found, said = await run_sync(run, limiter=one_by_one)
        if found is None:
            raise MCPError(types.INVALID_PARAMS, said)
        return types.ReadResourceResult(contents=[types.TextResourceContents(uri=uri, text=str(found["text"]), mime_type="text/plain")])

    async def list_prompts(ctx: Any, params: Any) -> types.ListPromptsResult:
        goal = types.PromptArgument(name="goal", description="What should be so tomorrow morning.", required=True)
        return types.ListPromptsResult(prompts=[types.Prompt(name=resources.PROMPT, description="Propose tasks for a goal.", arguments=[goal])])

    async def get_prompt(ctx: Any, params: types.GetPromptRequestParams) -> types.GetPromptResult:
        found, said = _told(lambda: {"text": resources.prompt(params.name, params.arguments or {})})
        if found is None:
            raise MCPError(types.INVALID_PARAMS, said)
        return types.GetPromptResult(messages=[types.PromptMessage(role="user", content=types.TextContent(text=str(found["text"])))])

    return Server(
        "jarvis",
        version=__version__,
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        on_list_resources=list_resources,
        on_list_resource_templates=list_templates,
        on_read_resource=read_resource,
        on_list_prompts=list_prompts,
        on_get_prompt=get_prompt,
    )


def _told(work: Callable[[], dict[str, Any]]) -> tuple[dict[str, Any] | None, str]:
    """The result, or None and the sentence for the model. What nobody foresaw is told on standard error too, for the person."""
    try:
        return work(), ""
    except Refused as error:
        return None, error.sentence
    except BadSettings:
        return None, "The person's jarvis.toml has a mistake, so nothing was done; they see it with: jarvis doctor"
    except Exception as error:  # noqa: BLE001  # a server that dies of one call would take the others with it
        sys.stderr.write(f"jarvis mcp: {type(error).__name__}: {error}\n"[:2000])
        return None, f"It failed ({type(error).__name__}); nothing is half-done. The person finds the reason in the log of the host."
