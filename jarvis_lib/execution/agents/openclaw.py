"""OpenClaw: `openclaw agent exec --json`, which needs no gateway and has documented exit codes: 0 ok, 1 error, 2 timeout. No session of it goes on."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from jarvis_lib.execution.agents.contract import Request
from jarvis_lib.execution.agents.limits import auth_error_in, limit_in
from jarvis_lib.execution.agents.parsing import last_object, money, number, table, text_of
from jarvis_lib.model.call import Call
from jarvis_lib.model.fact import Refused


class OpenClaw:
    """The adapter of OpenClaw."""

    name = "openclaw"
    programs: Sequence[str] = ("openclaw",)
    tried: Sequence[str] = ("2026.9.6",)
    login_files: Sequence[str] = (".openclaw/openclaw.json",)

    def resumes(self, template: str) -> bool:
        """Never."""
        return False  # `agent exec` starts anew each time

    def argv(self, request: Request) -> list[str]:
        """One `agent exec` with the request's wall time as its limit; Refused for any permission but full, as it has no other mode."""
        if request.permission != "full":
            raise Refused(f'OpenClaw has no mode for [agent] permission = "{request.permission}", so it is not run; use full, or another agent.')
        words = [request.program, "agent", "exec", "--message-file", str(request.prompt), "--cwd", str(request.cwd), "--json"]
        words += ["--timeout", str(max(int(request.wall_s), 1))] if request.wall_s else []  # its own limit is ten minutes
        config = request.home / ".openclaw" / "openclaw.json"
        words += ["--config", str(config)] if config.exists() else []
        return [*words, "--model", request.model] if request.model else words

    def environment(self, request: Request) -> dict[str, str]:
        """Its state inside of the attempt's home."""
        return {"OPENCLAW_STATE_DIR": str(request.home / ".openclaw")}

    def read(self, request: Request, *, version: str, exit_code: int | None, stdout: str, stderr: str, now: datetime) -> Call:
        """From the JSON object at the end: done only where it says `ok: true`, else its error, a limit or a missing login."""
        found = last_object(stdout)
        usage, tools, failure = table(found.get("usage")), table(found.get("toolSummary")), table(found.get("error"))
        wrong = (
            "" if found.get("ok") is True else text_of(failure.get("message"), 2000) or (stderr.strip().splitlines() or [f"it ended with exit {exit_code}"])[-1]
        )
        limit = limit_in(wrong, now=now) if wrong else None
        auth = auth_error_in(f"{wrong}\n{stderr[-20_000:]}") if wrong and not limit else ""
        return Call(
            agent=self.name,
            version=version,
            exit=exit_code,
            session_id=text_of(found.get("sessionId"), 200),
            text=text_of(found.get("final")),
            tokens_in=number(usage.get("input")),
            tokens_out=number(usage.get("output")),
            cost=money(found.get("costUsd")),
            turns=number(found.get("assistantTurns")),
            tool_calls=number(tools.get("calls")) or 0,
            tool_errors=number(tools.get("failures")) or 0,
            limit=limit,
            auth_error=auth,
            error="" if limit or auth else wrong[:200],
            model=text_of(found.get("model"), 100),
        )

    def open_by_hand(self, session: str, cwd: Path, home: Path) -> str:
        """Nothing: a session of it does not go on."""
        return ""


ADAPTER = OpenClaw()
