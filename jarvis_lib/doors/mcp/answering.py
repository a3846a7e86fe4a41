"""What does each request of the protocol get as its answer? Loaded only where the SDK is there."""

import json
import sys
from collections.abc import Callable
from typing import Any

import anyio
import mcp_types as types
from anyio.to_thread import run_sync
from mcp.shared.exceptions import MCPError

from jarvis_lib.doors.mcp import resources
from jarvis_lib.doors.mcp.arguments import schema
from jarvis_lib.doors.mcp.tools import TOOLS, call
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.settings import BadSettings
from jarvis_lib.store.place import Place


class Answers:
    """The handlers of one server. Tools and resources are worked one by one, each on a workspace that is opened anew."""

    def __init__(self, open_place: Callable[[], Place], attempt: str) -> None:
        self._open_place, self._attempt = open_place, attempt
        self._one_by_one = anyio.CapacityLimiter(1)

    async def list_tools(self, ctx: Any, params: Any) -> types.ListToolsResult:
        """Every tool with its arguments and whether it writes; there are no pages."""
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

    async def call_tool(self, ctx: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        """What the tool gives, as text and as a value; a refusal is a result, too, and says what to do."""

        def run() -> tuple[dict[str, Any] | None, str]:
            return _told(lambda: call(TOOLS, self._open_place, params.name, params.arguments or {}, attempt=self._attempt))

        found, said = await run_sync(run, limiter=self._one_by_one)
        if found is None:
            return types.CallToolResult(content=[types.TextContent(text=said)], is_error=True)
        return types.CallToolResult(content=[types.TextContent(text=json.dumps(found, ensure_ascii=False, indent=1))], structured_content=found)

    async def list_resources(self, ctx: Any, params: Any) -> types.ListResourcesResult:
        """The pages that are always there."""
        found = [types.Resource(uri=uri, name=name, description=said, mime_type="text/plain") for uri, (name, said) in resources.FIXED.items()]
        return types.ListResourcesResult(resources=found)

    async def list_templates(self, ctx: Any, params: Any) -> types.ListResourceTemplatesResult:
        """How the address of one task is made."""
        one = types.ResourceTemplate(uri_template=f"{resources.TASK}{{id}}", name="A task", description="One task with its text.", mime_type="text/plain")
        return types.ListResourceTemplatesResult(resource_templates=[one])

    async def read_resource(self, ctx: Any, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:
        """The text at the address. An error of the protocol where there is none."""
        uri = str(params.uri)

        def run() -> tuple[dict[str, Any] | None, str]:
            return _told(lambda: {"text": resources.text_of(self._open_place, uri)})

        found, said = await run_sync(run, limiter=self._one_by_one)
        if found is None:
            raise MCPError(types.INVALID_PARAMS, said)
        return types.ReadResourceResult(contents=[types.TextResourceContents(uri=uri, text=str(found["text"]), mime_type="text/plain")])

    async def list_prompts(self, ctx: Any, params: Any) -> types.ListPromptsResult:
        """The one prompt, with its argument."""
        goal = types.PromptArgument(name="goal", description="What should be so tomorrow morning.", required=True)
        return types.ListPromptsResult(prompts=[types.Prompt(name=resources.PROMPT, description="Propose tasks for a goal.", arguments=[goal])])

    async def get_prompt(self, ctx: Any, params: types.GetPromptRequestParams) -> types.GetPromptResult:
        """The prompt with the goal filled in. An error of the protocol without one."""
        found, said = _told(lambda: {"text": resources.prompt(params.name, params.arguments or {})})
        if found is None:
            raise MCPError(types.INVALID_PARAMS, said)
        return types.GetPromptResult(messages=[types.PromptMessage(role="user", content=types.TextContent(text=str(found["text"])))])


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
