"""A model on loopback for real agent CLIs: it answers in the protocols of Claude Code, Codex, chat completions (OpenCode) and Gemini.

It asks for one shell command, then says it is done.

`mode`: ok (one tool call, then done), hollow (says done at once), limit (a usage limit with its reset time), slow (never answers), error (HTTP 500).
"""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

DONE = "All done. Every test passes."
USAGE = {"input_tokens": 100, "output_tokens": 20}
RESETS_IN_S = 3600


class StubModel:
    """The server, on a free port while it is entered. `command` is what it has the agent run; `asked` counts its calls."""

    def __init__(self, mode: str, command: str = "true") -> None:
        self.mode, self.command, self.asked, self.prompts = mode, command, 0, ""
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.port = self.server.server_port

    def __enter__(self) -> "StubModel":
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.server.shutdown()
        self.server.server_close()


def _handler(stub: StubModel) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

        def do_HEAD(self) -> None:
            self.answer(200, b"")

        def do_GET(self) -> None:
            self.json(200, {"object": "list", "data": [{"id": "stub-model", "object": "model"}], "models": []})

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("content-length") or 0))
            body = json.loads(raw) if raw.startswith(b"{") else {}
            path = self.path.split("?")[0]
            if path.endswith("count_tokens"):
                self.json(200, {"input_tokens": 42})
                return
            if not path.endswith(("/messages", "/responses", "/chat/completions", ":generateContent", ":streamGenerateContent")):
                self.json(200, {})
                return
            stub.asked += 1
            stub.prompts += raw.decode("utf-8", "replace")
            if stub.mode == "slow":
                time.sleep(600)
            if stub.mode == "error":
                self.json(500, {"type": "error", "error": {"type": "api_error", "message": "it is broken"}})
            elif stub.mode == "limit":
                self.limit(path)
            elif path.endswith("/messages"):
                self.anthropic(body)
            elif path.endswith("/chat/completions"):
                self.chat(body)
            elif path.endswith("/responses"):
                self.openai(body)
            else:
                self.gemini(body, streamed="stream" in path)

        # --- answers ---------------------------------------------------------------------------------------------------------

        def answer(self, code: int, data: bytes, kind: str = "application/json", headers: dict[str, str] | None = None) -> None:
            self.send_response(code)
            self.send_header("content-type", kind)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def json(self, code: int, value: Any, headers: dict[str, str] | None = None) -> None:
            self.answer(code, json.dumps(value).encode(), headers=headers)

        def stream(self, events: list[dict[str, Any]]) -> None:
            lines = [f"event: {e['type']}\ndata: {json.dumps(e)}\n\n" for e in events]
            self.answer(200, "".join(lines).encode(), "text/event-stream")

        def limit(self, path: str) -> None:
            reset = str(int(time.time()) + RESETS_IN_S)
            if path.endswith("/messages"):
                own = {"type": "error", "error": {"type": "rate_limit_error", "message": "This request would exceed your account's rate limit."}}
                prefix = "anthropic-ratelimit-unified"
                headers = {f"{prefix}-status": "rejected", f"{prefix}-reset": reset, f"{prefix}-representative-claim": "five_hour"}
                headers |= {f"{prefix}-overage-status": "rejected", f"{prefix}-overage-disabled-reason": "org_level_disabled"}
                self.json(429, own, headers | {"retry-after": str(RESETS_IN_S), "x-should-retry": "false"})
                return
            error = {"type": "usage_limit_reached", "message": "You've hit your usage limit.", "plan_type": "plus", "resets_at": int(reset)}
            self.json(429, {"error": error | {"resets_in_seconds": RESETS_IN_S}}, {"retry-after": str(RESETS_IN_S)})

        def anthropic(self, body: dict[str, Any]) -> None:
            names = [t.get("name") for t in body.get("tools", [])]
            parts = [p for m in body.get("messages", []) if isinstance(m.get("content"), list) for p in m["content"]]
            asks = stub.mode == "ok" and "Bash" in names and not any(p.get("type") == "tool_result" for p in parts)
            tool = {"type": "tool_use", "id": f"toolu_{stub.asked}", "name": "Bash", "input": {"command": stub.command, "description": "do it"}}
            part = tool if asks else {"type": "text", "text": DONE}
            usage = USAGE | {"cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}
            why = "tool_use" if asks else "end_turn"
            message = {"id": "msg_1", "type": "message", "role": "assistant", "model": body.get("model"), "content": [part], "stop_reason": why, "usage": usage}
            if not body.get("stream"):
                self.json(200, message | {"stop_sequence": None})
                return
            empty: dict[str, Any] = part | {"input": {}} if asks else part | {"text": ""}
            json_delta = {"type": "input_json_delta", "partial_json": json.dumps(tool["input"])}
            delta = json_delta if asks else {"type": "text_delta", "text": DONE}
            self.stream(
                [
                    {"type": "message_start", "message": message | {"content": [], "stop_reason": None, "stop_sequence": None}},
                    {"type": "content_block_start", "index": 0, "content_block": empty},
                    {"type": "content_block_delta", "index": 0, "delta": delta},
                    {"type": "content_block_stop", "index": 0},
                    {"type": "message_delta", "delta": {"stop_reason": why, "stop_sequence": None}, "usage": usage},
                    {"type": "message_stop"},
                ]
            )

        def openai(self, body: dict[str, Any]) -> None:
            items = body.get("input") if isinstance(body.get("input"), list) else []
            asks = stub.mode == "ok" and not any(str(i.get("type", "")).endswith("call_output") for i in items or [])
            names = [t.get("name") or t.get("type") for t in body.get("tools", [])]
            item = _call(names, stub.command) if asks else None
            text = {"type": "output_text", "text": DONE, "annotations": []}
            item = item or {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [text]}
            usage = USAGE | {"total_tokens": 120, "input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
            whole = {"id": "resp_1", "object": "response", "created_at": int(time.time()), "status": "completed", "model": body.get("model"), "output": [item]}
            whole |= {"usage": usage, "parallel_tool_calls": False, "tools": []}
            started = {"type": "response.created", "response": whole | {"status": "in_progress", "output": []}}
            added = {"type": "response.output_item.added", "output_index": 0, "item": item | {"status": "in_progress"}}
            done = {"type": "response.output_item.done", "output_index": 0, "item": item}
            events: list[dict[str, Any]] = [started, added, done, {"type": "response.completed", "response": whole}]
            self.stream([e | {"sequence_number": n} for n, e in enumerate(events)])

        def chat(self, body: dict[str, Any]) -> None:
            names = [t.get("function", {}).get("name") for t in body.get("tools") or []]
            asks = stub.mode == "ok" and "bash" in names and not any(m.get("role") == "tool" for m in body.get("messages", []))
            function = {"name": "bash", "arguments": json.dumps({"command": stub.command, "description": "do it"})}
            call = {"index": 0, "id": "call_1", "type": "function", "function": function}
            said: dict[str, Any] = {"role": "assistant", "content": ""} | ({"tool_calls": [call]} if asks else {"content": DONE})
            base: dict[str, Any] = {"id": "chatcmpl-1", "created": int(time.time()), "model": body.get("model")}
            usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
            why = "tool_calls" if asks else "stop"
            if not body.get("stream"):
                choice = {"index": 0, "message": said, "finish_reason": why}
                self.json(200, base | {"object": "chat.completion", "choices": [choice], "usage": usage})
                return
            chunks: list[Any] = [{"choices": [{"index": 0, "delta": said, "finish_reason": None}]}]
            chunks += [{"choices": [{"index": 0, "delta": {}, "finish_reason": why}]}, {"choices": [], "usage": usage}]
            chunk = base | {"object": "chat.completion.chunk"}
            lines = [f"data: {json.dumps(chunk | c)}\n\n" for c in chunks]
            self.answer(200, "".join([*lines, "data: [DONE]\n\n"]).encode(), "text/event-stream")

        def gemini(self, body: dict[str, Any], *, streamed: bool) -> None:
            names = [f.get("name") for t in body.get("tools") or [] for f in t.get("functionDeclarations") or []]
            answered = any("functionResponse" in p for c in body.get("contents", []) for p in c.get("parts", []))
            asks = stub.mode == "ok" and "run_shell_command" in names and not answered
            part: dict[str, Any] = {"functionCall": {"name": "run_shell_command", "args": {"command": stub.command}}} if asks else {"text": DONE}
            told = {"candidates": [{"content": {"role": "model", "parts": [part]}, "finishReason": "STOP", "index": 0}], "modelVersion": "stub-model"}
            whole = told | {"usageMetadata": {"promptTokenCount": 100, "candidatesTokenCount": 20, "totalTokenCount": 120}}
            if streamed:
                self.answer(200, f"data: {json.dumps(whole)}\n\n".encode(), "text/event-stream")
            else:
                self.json(200, whole)

    return Handler


def _call(names: list[str], command: str) -> dict[str, Any] | None:
    """The function call for the shell tool that Codex offers in this version."""
    known = {"exec_command": {"cmd": command}, "shell_command": {"command": command}, "shell": {"command": ["bash", "-lc", command]}}
    name = next((n for n in known if n in names), None)
    return {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": name, "arguments": json.dumps(known[name])} if name else None
