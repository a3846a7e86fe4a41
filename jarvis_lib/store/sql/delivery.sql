-- The outbox: what is to be told on which channel, what became of it, and what a message says.

-- name: channels
SELECT * FROM channels ORDER BY name;

-- name: happened
-- What a channel has not been told yet, since it was opened. A problem that is over when it would be told is not told.
SELECT h.* FROM happenings h
WHERE h."at" > $since AND h."at" <= $now AND list_contains($kinds::VARCHAR[], h.kind)
    AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.happening = h.id AND d.channel = $channel)
    AND (h.kind <> 'problem' OR EXISTS (SELECT 1 FROM problems p WHERE p.key = h.about AND p.state = 'open'))
ORDER BY h."at", h.id;

-- name: waiting
SELECT * FROM deliveries WHERE state IN ('waiting', 'trying') ORDER BY alert DESC, next_at, queued_at, key;

-- name: message
SELECT * FROM deliveries WHERE key = $key;

-- name: by_prefix
SELECT * FROM deliveries WHERE starts_with(key, $prefix) ORDER BY key LIMIT 5;

-- name: listing
SELECT * FROM deliveries WHERE queued_at <= $now ORDER BY queued_at DESC, key LIMIT $most;

-- name: files
-- The channel that is always there: the newest file of each report of each moment.
SELECT kind, as_of, made_at, path, headline FROM briefs
WHERE list_contains($kinds::VARCHAR[], kind) AND made_at <= $now
QUALIFY row_number() OVER (PARTITION BY path ORDER BY made_at DESC) = 1
ORDER BY made_at DESC, path LIMIT $most;

-- name: failing
-- Channels whose last message failed for good, with how many were not told since the last success.
SELECT c.name, c.failing_since, c.why,
    (SELECT count(*) FROM deliveries d WHERE d.channel = c.name AND d.state = 'failed' AND d.ended_at >= c.failing_since AND d.ended_at <= $now) AS lost
FROM channels c WHERE c.failing_since IS NOT NULL AND c.failing_since <= $now ORDER BY c.name;

-- name: reports
-- The newest reports of a kind.
SELECT kind, as_of, made_at, path, headline, sha256 FROM briefs WHERE kind = $kind AND made_at <= $now ORDER BY made_at DESC, as_of DESC LIMIT $most;

-- name: report_before
SELECT max(as_of) AS as_of FROM briefs WHERE kind = $kind AND as_of < $before;

-- name: counts
SELECT (SELECT count(*) FROM fixes f WHERE f.verified AND f.undone_at IS NULL AND f."at" > $since AND f."at" <= $now) AS fixed,
    (SELECT count(*) FROM problems p WHERE p.state = 'open' AND p.first_seen <= $now) AS problems,
    (SELECT count(*) FROM tasks t WHERE t.state = 'queued' AND t.added_at <= $now) AS queued;

-- name: shipped_at
SELECT shipped_at FROM tasks WHERE shipped_at > $since AND shipped_at <= $now AND state IN ('shipped', 'accepted');

-- name: task
SELECT id, title, description, category, priority, hours, state, why, parked_kind, due, project, tags FROM tasks WHERE id = $id;

-- name: attempt
SELECT id, n, claimed_at, ended_at, outcome, verdict, verdict_why, seconds, exit_code, log, notebook, branch, commit_sha FROM attempts WHERE id = $id;

-- name: problem
SELECT key, kind, subject, what, probability, severity, suggested, safe, state, first_seen, last_seen FROM problems WHERE key = $key;

-- name: happening
SELECT * FROM happenings WHERE id = $id;
