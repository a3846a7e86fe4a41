"""Claude Code: `claude -p … --output-format stream-json`. A denied tool ends with exit 0 and "success", so its denials are read, not its word."""

import re
import shlex
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from jarvis_lib.execution.agents.contract import Request
from jarvis_lib.execution.agents.limits import auth_error_in, limit_in
from jarvis_lib.execution.agents.parsing import events, moment_of, money, number, table, tables, text_of
from jarvis_lib.model.call import Call, Limit

_SESSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{7,63}")
_NO_WORD = re.compile(r"[^A-Za-z0-9]")
_MODES = {"full": "bypassPermissions", "edits": "acceptEdits", "read": "plan"}


class Claude:
    """The adapter of Claude Code."""

    name = "claude"
    programs: Sequence[str] = ("claude",)
    tried: Sequence[str] = ("2.1.197", "2.1.330", "2.1.332")
    login_files: Sequence[str] = (".claude/.credentials.json",)

    def resumes(self, template: str) -> bool:
        """Always, by `--resume`."""
        return True

    def argv(self, request: Request) -> list[str]:
        """Print mode with JSON lines; turns and dollars are limited by its own options where the request names them."""
        words = [request.program, "-p", request.prompt.read_text(encoding="utf-8"), "--output-format", "stream-json", "--verbose"]
        words += ["--permission-mode", _MODES[request.permission]]
        words += ["--model", request.model] if request.model else []
        words += ["--max-turns", str(request.max_turns)] if request.max_turns else []
        words += ["--max-budget-usd", f"{request.max_cost:.2f}"] if request.max_cost else []
        return [*words, "--resume", request.session] if request.session else words

    def environment(self, request: Request) -> dict[str, str]:
        """No telemetry, no update of itself, two retries, and its home inside of the attempt's."""
        own = {"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "DISABLE_AUTOUPDATER": "1", "DISABLE_TELEMETRY": "1", "CLAUDE_CODE_MAX_RETRIES": "2"}
        return own | {"IS_SANDBOX": "1", "CLAUDE_CONFIG_DIR": str(request.home / ".claude")}

    def read(self, request: Request, *, version: str, exit_code: int | None, stdout: str, stderr: str, now: datetime) -> Call:
        """From its last `result` line, the denials in it, and the tools that failed; without such a line it is an error."""
        seen = list(events(stdout))
        result: dict[str, Any] = next((e for e in reversed(seen) if e.get("type") == "result"), {})
        said = text_of(result.get("result")) or _last_text(seen)
        wrong = bool(result.get("is_error")) or not result or text_of(result.get("subtype")).startswith("error")
        loud = "\n".join([said if wrong else "", stderr[-20_000:] if wrong else ""])
        auth = auth_error_in(loud) if wrong else ""
        limit = _limit(seen, wrong) or (limit_in(loud, now=now) if wrong and not auth else None)
        error = "" if not wrong or auth or limit else _error(result, said, stderr, exit_code)
        usage = table(result.get("usage"))
        calls, failed = _tools(seen)
        return Call(
            agent=self.name,
            version=version,
            exit=exit_code,
            session_id=text_of(result.get("session_id") or next((e["session_id"] for e in seen if e.get("session_id")), ""), 200),
            text=said,
            tokens_in=_input(usage),
            tokens_out=number(usage.get("output_tokens")),
            cost=money(result.get("total_cost_usd")),
            turns=number(result.get("num_turns")),
            denials=tuple(_denial(d) for d in tables(result.get("permission_denials"))),
            tool_calls=calls,
            tool_errors=failed,
            limit=limit,
            auth_error=auth,
            error=error,
            model=text_of(next(iter(table(result.get("modelUsage"))), request.model), 100),
        )

    def open_by_hand(self, session: str, cwd: Path, home: Path) -> str:
        """A line that copies the kept session to the person's own home and resumes it there; empty for a name that is no session's."""
        if not _SESSION.fullmatch(session):
            return ""
        folder = f".claude/projects/{_NO_WORD.sub('-', str(cwd))}"
        kept = shlex.quote(str(home / folder / f"{session}.jsonl"))
        return f"cd {shlex.quote(str(cwd))} && mkdir -p ~/{folder} && cp -n {kept} ~/{folder}/ && claude --resume {session}"


def _input(usage: dict[str, Any]) -> int | None:
    parts = [number(usage.get(k)) for k in ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")]
    known = [p for p in parts if p is not None]
    return sum(known) if known else None


def _limit(seen: list[dict[str, Any]], wrong: bool) -> Limit | None:
    """The structured limit: a `rate_limit_event` that says rejected. A warning, or a limit that did not stop it, holds nothing."""
    for event in reversed(seen):
        own = table(event.get("rate_limit_info")) or event
        if event.get("type") == "rate_limit_event" and own.get("status") == "rejected" and wrong:
            return Limit(moment_of(own.get("resetsAt")), text_of(own.get("rateLimitType"), 60))
    return None


def _denial(raw: dict[str, Any]) -> str:
    given = table(raw.get("tool_input"))
    what = next((text_of(given[k], 120) for k in ("command", "file_path", "path", "url", "pattern") if k in given), "")
    return f"{text_of(raw.get('tool_name'), 60)}{f' ({what})' if what else ''}"


def _error(result: dict[str, Any], said: str, stderr: str, exit_code: int | None) -> str:
    if result:
        kind = text_of(result.get("subtype"), 60)
        return kind if kind.startswith("error") else (said.strip().splitlines() or [kind])[0][:200]
    lines = [line for line in stderr.strip().splitlines() if line.strip()]
    return (lines[-1] if lines else f"it ended with exit {exit_code} and said nothing")[:200]


def _last_text(seen: list[dict[str, Any]]) -> str:
    for event in reversed(seen):
        for part in reversed(_parts(event)) if event.get("type") == "assistant" else ():
            if part.get("type") == "text":
                return text_of(part.get("text"))
    return ""


def _parts(event: dict[str, Any]) -> list[dict[str, Any]]:
    return tables(table(event.get("message")).get("content"))


def _tools(seen: list[dict[str, Any]]) -> tuple[int, int]:
    parts = [p for e in seen for p in _parts(e)]
    return sum(p.get("type") == "tool_use" for p in parts), sum(p.get("type") == "tool_result" and bool(p.get("is_error")) for p in parts)


ADAPTER = Claude()
