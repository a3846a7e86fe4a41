"""Any other agent, by a command of the person's: `[agent] custom = "mytool --dir {dir} --file {prompt_file}"`.

It may print a JSON object on its last line with any of session_id, text, tokens_in, tokens_out, cost, denials; without one nothing is known but its
exit code and its words, and the evidence decides all the same.
"""

import shlex
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from jarvis_lib.execution.agents.contract import Request
from jarvis_lib.execution.agents.limits import auth_error_in, limit_in
from jarvis_lib.execution.agents.parsing import last_object, money, number, text_of
from jarvis_lib.model.call import Call
from jarvis_lib.model.fact import Refused

_TAIL = 4000


class Custom:
    """The adapter of a command template."""

    name = "custom"
    programs: Sequence[str] = ()
    tried: Sequence[str] = ()
    login_files: Sequence[str] = ()

    def resumes(self, template: str) -> bool:
        """Where the template has a place for {session}."""
        return "{session}" in template

    def argv(self, request: Request) -> list[str]:
        """The template's words with their places filled, each value one word; Refused without {prompt_file}."""
        if "{prompt_file}" not in request.template:
            raise Refused('[agent] custom needs {prompt_file} where the file with the prompt belongs, such as "mytool --file {prompt_file}".')
        places = {"prompt_file": str(request.prompt), "dir": str(request.cwd), "session": request.session, "model": request.model, "out": str(request.out)}
        words = shlex.split(request.template)
        for name, value in places.items():
            words = [w.replace(f"{{{name}}}", value) for w in words]
        return words

    def environment(self, request: Request) -> dict[str, str]:
        """Nothing of its own."""
        return {}

    def read(self, request: Request, *, version: str, exit_code: int | None, stdout: str, stderr: str, now: datetime) -> Call:
        """From its exit code and the last JSON object that it printed, if any; what it does not say is unknown, not zero."""
        found = last_object(stdout)
        wrong = "" if exit_code == 0 else "\n".join([stderr[-_TAIL:], stdout[-_TAIL:]]).strip()
        auth = auth_error_in(wrong)
        limit = limit_in(wrong, now=now) if wrong and not auth else None
        denials = found.get("denials")
        lines = [line for line in wrong.splitlines() if line.strip()]
        return Call(
            agent=self.name,
            version=version,
            exit=exit_code,
            session_id=text_of(found.get("session_id"), 200),
            text=text_of(found.get("text")) or stdout[-_TAIL:],
            tokens_in=number(found.get("tokens_in")),
            tokens_out=number(found.get("tokens_out")),
            cost=money(found.get("cost")),
            denials=tuple(text_of(d, 160) for d in denials) if isinstance(denials, list) else (),
            limit=limit,
            auth_error=auth,
            error="" if limit or auth or not lines else lines[-1][:200],
            model=request.model,
        )

    def open_by_hand(self, session: str, cwd: Path, home: Path) -> str:
        """Nothing: nobody knows how this program opens a session."""
        return ""


ADAPTER = Custom()
