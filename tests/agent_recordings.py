"""What real agents printed in real runs against a loopback model, shortened to the lines that say something."""

CLAUDE_INIT = (
    '{"type":"system","subtype":"init","cwd":"/copy","session_id":"5b1c0f7e-1111-4222-8333-944445555666","tools":["Bash","Edit"],"model":"stub-model"}'
)
CLAUDE_TOOL = (
    '{"type":"assistant","message":{"role":"assistant","content":[{"type":"tool_use","id":"t1","name":"Bash","input":{"command":"echo hi"}}]},'
    '"session_id":"5b1c0f7e-1111-4222-8333-944445555666"}'
)
CLAUDE_DONE = (
    '{"type":"result","subtype":"success","is_error":false,"api_error_status":null,"duration_ms":364,"num_turns":2,"result":"Done.",'
    '"stop_reason":"end_turn","session_id":"5b1c0f7e-1111-4222-8333-944445555666","total_cost_usd":0.0012,'
    '"usage":{"input_tokens":200,"cache_read_input_tokens":50,"output_tokens":40},"modelUsage":{"stub-model":{"costUSD":0.0012}},"permission_denials":[],'
    '"terminal_reason":"completed"}'
)
CLAUDE_DENIED = CLAUDE_DONE.replace(
    '"permission_denials":[]', '"permission_denials":[{"tool_name":"Bash","tool_use_id":"t1","tool_input":{"command":"curl example.org"}}]'
)
CLAUDE_LIMIT = "\n".join(
    [
        CLAUDE_INIT,
        '{"type":"rate_limit_event","rate_limit_info":{"status":"rejected","resetsAt":1795564380,"rateLimitType":"five_hour"},"session_id":"s"}',
        '{"type":"result","subtype":"success","is_error":true,"api_error_status":429,"num_turns":1,"result":"You\'ve hit your 5-hour limit · resets '
        '11:53pm (Europe/Paris)","session_id":"s","total_cost_usd":0,"usage":{"input_tokens":0,"output_tokens":0},"permission_denials":[]}',
    ]
)
CLAUDE_NEAR_LIMIT = "\n".join(['{"type":"rate_limit_event","rate_limit_info":{"status":"allowed_warning","utilization":0.82},"session_id":"s"}', CLAUDE_DONE])
CLAUDE_NO_LOGIN = (
    '{"type":"result","subtype":"success","is_error":true,"result":"Not logged in · Please run /login","session_id":"s","total_cost_usd":0,'
    '"usage":{"input_tokens":0,"output_tokens":0},"permission_denials":[]}'
)
CLAUDE_DOWN = (
    '{"type":"result","subtype":"success","is_error":true,"result":"API Error: Unable to connect to API (ConnectionRefused)","session_id":"s",'
    '"total_cost_usd":0,"usage":{},"permission_denials":[]}'
)
CLAUDE_TURNS = (
    '{"type":"result","subtype":"error_max_turns","is_error":true,"num_turns":3,"session_id":"s","total_cost_usd":0.2,"usage":{},"permission_denials":[]}'
)

CODEX_START = '{"type":"thread.started","thread_id":"0199a213-81c0-7800-8aa1-bbab2a035a53"}\n{"type":"turn.started"}'
CODEX_RAN = (
    '{"type":"item.completed","item":{"id":"item_0","type":"command_execution","command":"bash -lc \'echo hi > hello.txt\'","aggregated_output":"",'
    '"exit_code":0,"status":"completed"}}'
)
CODEX_SAID = '{"type":"item.completed","item":{"id":"item_1","type":"agent_message","text":"All done."}}'
CODEX_DONE = '{"type":"turn.completed","usage":{"input_tokens":300,"cached_input_tokens":20,"output_tokens":60,"reasoning_output_tokens":0}}'
CODEX_LIMIT = (
    '{"type":"turn.failed","error":{"message":"You\'ve hit your usage limit. Upgrade to Pro, visit settings to purchase more credits or try again at '
    '10:34 PM."}}'
)
CODEX_DOWN = (
    '{"type":"turn.failed","error":{"message":"stream disconnected before completion: error sending request for url (http://127.0.0.1:9/v1/responses)"}}'
)

OPENCLAW_DONE = """{
  "ok": true,
  "status": "ok",
  "final": "STUB DONE: wrote hello.txt",
  "payloads": [{"text": "STUB DONE: wrote hello.txt", "mediaUrl": null}],
  "usage": {"input": 200, "output": 40, "cacheRead": 0, "cacheWrite": 0, "total": 240, "cost": {"total": 0}},
  "codeModeEngaged": false,
  "assistantTurns": 2,
  "toolSummary": {"calls": 1, "tools": ["exec"], "failures": 0},
  "model": "stub-model",
  "provider": "stub",
  "sessionId": "f9b8874a-f5d7-416d-9ef8-af0e81b8af9e"
}"""
OPENCLAW_LIMIT = """{
  "ok": false,
  "status": "error",
  "final": "",
  "payloads": [],
  "model": null,
  "provider": null,
  "sessionId": "e9ae825d-278d-4f8e-adb3-eac6f75e5fa6",
  "error": {"message": "\u26a0\ufe0f You've hit your usage limit.; Retry-After: 3600 seconds", "kind": "exception"}
}"""

LIMITS = (
    ("You've hit your session limit · resets 8pm", "session", "20:00"),
    ("You've hit your weekly limit · resets Nov 28, 9am (UTC)", "weekly", "2026-11-28 09:00"),
    ("You're out of extra usage · resets 3:30am (Europe/Berlin)", "credits", "2026-11-24 02:30"),
    ("You've hit your usage limit. Try again at 10:34 PM.", "usage", "22:34"),
    ("Claude AI usage limit reached|1795564380", "usage", ""),
    ("Usage limit reached. Your limit resets at 1795564380.", "usage", "epoch"),
    ("429 Too Many Requests. Retry-After: 120", "rate", "+120"),
    ("Rate limited; try again in 15 minutes", "rate", "+900"),
    ("insufficient_quota: You exceeded your current quota, please check your plan", "usage", ""),
    ("5-hour limit reached ∙ resets 11:53pm (Europe/Paris)", "five_hour", "22:53"),
)
"""(sentence, scope, when: a UTC clock time of the same or the next day, a whole date, seconds from now, the epoch 1795564380, or nothing)"""
NO_LIMITS = (
    "I limited the number of retries to 3.",
    "The rate of change is 5.",
    "Added a limit parameter to list().",
    "The session is reset at login.",
    "Done. All 12 tests pass.",
    "It resets the counter at 8pm.",
)
