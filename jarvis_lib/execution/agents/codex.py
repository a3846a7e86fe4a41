"""Codex: `codex exec --json`. It names tokens and no cost; with a sandbox that cannot start it does nothing and says done, which the empty diff shows.

Our jail is the sandbox: Codex's own cannot start in it, since nested user namespaces are off there. The permission "edits" takes its
shell tools away; what is left to edit with depends on the model.
"""

import re
import shlex
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from jarvis_lib.execution.agents.contract import Request
from jarvis_lib.execution.agents.limits import auth_error_in, limit_in
from jarvis_lib.execution.agents.parsing import events, number, table, text_of
from jarvis_lib.model.call import Call

_SESSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{7,63}")
_SANDBOX = {"full": "danger-full-access", "edits": "danger-full-access", "read": "read-only"}
_NO_COMMANDS = ("--disable", "shell_tool", "--disable", "unified_exec")


class Codex:
    """The adapter of Codex."""

    name = "codex"
    programs: Sequence[str] = ("codex",)
    tried: Sequence[str] = ("0.169.0", "0.171.0")
    login_files: Sequence[str] = (".codex/auth.json", ".codex/config.toml")

    def resumes(self, template: str) -> bool:
        """Always, by `resume SESSION`."""
        return True

    def argv(self, request: Request) -> list[str]:
        """One `exec` that asks nobody, in Codex's own sandbox of the request's permission, without plugins."""
        words = [request.program, "exec", "--json", "--skip-git-repo-check", "--sandbox", _SANDBOX[request.permission], "-c", 'approval_policy="never"']
        words += ["-C", str(request.cwd), "-o", str(request.out / "last.txt"), "--disable", "plugins"]
        words += _NO_COMMANDS if request.permission == "edits" else ()
        words += ["-m", request.model] if request.model else []
        words += ["resume", request.session] if request.session else []
        return [*words, request.prompt.read_text(encoding="utf-8")]

    def environment(self, request: Request) -> dict[str, str]:
        """Its home inside of the attempt's."""
        return {"CODEX_HOME": str(request.home / ".codex")}

    def read(self, request: Request, *, version: str, exit_code: int | None, stdout: str, stderr: str, now: datetime) -> Call:
        """From its completed or failed turn and the items before it; declined items are denials, and a cost is never known."""
        seen = list(events(stdout))
        items = [table(e.get("item")) for e in seen if e.get("type") == "item.completed"]
        done: dict[str, Any] = next((e for e in reversed(seen) if e.get("type") == "turn.completed"), {})
        failed: dict[str, Any] = next((e for e in reversed(seen) if e.get("type") in ("turn.failed", "error")), {}) if not done else {}
        texts = [text_of(i.get("text") or i.get("message")) for i in items if i.get("type") in ("agent_message", "assistant_message")]
        wrong = _message(failed) or ("" if done else _last_line(stderr) or f"it ended with exit {exit_code} and no turn was completed")
        limit = limit_in(wrong, now=now) if wrong else None
        auth = auth_error_in(f"{wrong}\n{stderr[-20_000:]}") if wrong and not limit else ""
        usage = table(done.get("usage"))
        ran = [i for i in items if i.get("type") in ("command_execution", "file_change", "mcp_tool_call", "web_search")]
        refused = [i for i in ran if i.get("status") == "declined"]
        return Call(
            agent=self.name,
            version=version,
            exit=exit_code,
            session_id=text_of(next((e["thread_id"] for e in seen if e.get("thread_id")), request.session), 200),
            text=texts[-1] if texts else "",
            tokens_in=number(usage.get("input_tokens")),
            tokens_out=number(usage.get("output_tokens")),
            turns=sum(e.get("type") == "turn.completed" for e in seen) or None,
            denials=tuple(f"{text_of(i.get('type'), 40)} ({text_of(i.get('command'), 120)})" for i in refused),
            tool_calls=len(ran),
            tool_errors=sum(i.get("status") == "failed" for i in ran),
            limit=limit,
            auth_error=auth,
            error="" if limit or auth else wrong[:200],
            model=request.model,
        )

    def open_by_hand(self, session: str, cwd: Path, home: Path) -> str:
        """A line that unpacks the kept session into the person's own home and resumes it there; empty for a name that is no session's."""
        if not _SESSION.fullmatch(session):
            return ""
        taken = f"tar cf - sessions/*/*/*/*-{session}.jsonl | tar xkf - -C ~/.codex"
        return f"cd {shlex.quote(str(home / '.codex'))} && {taken} && cd {shlex.quote(str(cwd))} && codex resume {session}"


def _message(event: dict[str, Any]) -> str:
    own = event.get("error")
    return text_of(own.get("message") if isinstance(own, dict) else own or event.get("message"), 2000)


def _last_line(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return lines[-1][:400] if lines else ""


ADAPTER = Codex()
