-- What the brief tells. Bounded by the moment that is asked about; `states` and what waits are as they stand in the file that is read.

-- name: brief_before
SELECT * FROM briefs WHERE kind = 'morning' AND as_of <= $at ORDER BY as_of DESC, made_at DESC LIMIT 1;

-- name: newest_session
SELECT * FROM sessions WHERE opened_at <= $now ORDER BY opened_at DESC, id LIMIT 1;

-- name: first_fact
SELECT min("at") AS "at" FROM facts;

-- name: journal_head
SELECT seq, hash FROM facts ORDER BY seq DESC LIMIT 1;

-- name: sessions_between
SELECT * FROM sessions WHERE opened_at <= $now AND (closed_at IS NULL OR closed_at > $since) ORDER BY opened_at;

-- name: phases_between
SELECT p.* FROM phases p JOIN sessions s ON s.id = p.session
WHERE s.opened_at <= $now AND (s.closed_at IS NULL OR s.closed_at > $since) AND p."at" <= $now ORDER BY p."at";

-- name: endings
SELECT r.*, t.due, t.content, t.parked_kind, t.undone_at AS task_undone_at, t.attempts AS attempts_now
FROM results r JOIN tasks t ON t.id = r.task WHERE r.ended_at > $since AND r.ended_at <= $now ORDER BY r.ended_at, r.id;

-- name: evidence_between
SELECT e.* FROM evidence e JOIN attempts a ON a.id = e.attempt WHERE a.ended_at > $since AND a.ended_at <= $now ORDER BY e.attempt, e.i;

-- name: running
SELECT a.*, t.title, t.hours AS planned_hours FROM attempts a JOIN tasks t ON t.id = a.task
WHERE a.ended_at IS NULL AND a.claimed_at <= $now ORDER BY a.claimed_at;

-- name: waiting
SELECT t.*, (SELECT d.reasons FROM decisions d WHERE d.task = t.id ORDER BY d."at" DESC LIMIT 1) AS reasons,
    (SELECT a.verdict_why FROM attempts a WHERE a.task = t.id AND a.ended_at IS NOT NULL ORDER BY a.claimed_at DESC, a.n DESC LIMIT 1) AS verdict_why
FROM waiting t WHERE t.added_at <= $now AND (t.asked_until IS NULL OR t.asked_until > $now)
ORDER BY t.urgency, t.due NULLS LAST, t.priority_value DESC, t.added_at, t.id;

-- name: additions_refused
SELECT r."at", r.kind, r.task, r.sentence, json_extract_string(f.data, '$.data.task.title') AS title
FROM refusals r JOIN facts f ON f.seq = r.seq
WHERE r."at" > $since AND r."at" <= $now AND r.kind = 'task.added' ORDER BY r.seq DESC LIMIT 20;

-- name: states
SELECT state, count(*) AS tasks FROM tasks WHERE added_at <= $now GROUP BY state;

-- name: fixes_between
SELECT f.*, p.what, p.kind AS problem_kind, p.subject, p.state AS problem_state, p.came_back FROM fixes f JOIN problems p ON p.key = f.problem
WHERE (f."at" > $since AND f."at" <= $now) OR (f.checked_at > $since AND f.checked_at <= $now) ORDER BY f."at", f.id;

-- name: open_problems
SELECT * FROM problems WHERE state = 'open' AND first_seen <= $now
ORDER BY CASE severity WHEN 'critical' THEN 0 WHEN 'high' THEN 1 WHEN 'medium' THEN 2 ELSE 3 END, probability DESC, key;

-- name: newest_plan
SELECT * FROM plans WHERE made_at <= $now ORDER BY made_at DESC, rowid DESC LIMIT 1;

-- name: plan_slots
SELECT s.*, t.title, t.state, t.priority FROM slots s JOIN tasks t ON t.id = s.task
WHERE s.plan = $plan AND s."end" > $now ORDER BY s."start", s.lane;

-- name: plan_omissions
SELECT o.*, t.title, t.state FROM omissions o JOIN tasks t ON t.id = o.task
WHERE o.plan = $plan AND t.state IN ('proposed', 'queued', 'parked', 'review') ORDER BY t.priority_value DESC, t.added_at, t.id;

-- name: titles
SELECT id, title, priority, state FROM tasks WHERE state IN ('proposed', 'queued', 'parked', 'running', 'review');

-- name: shipped_between
SELECT count(*) FILTER (WHERE state IN ('shipped', 'accepted')) AS shipped, count(*) FILTER (WHERE state = 'undone') AS undone
FROM tasks WHERE shipped_at > $since AND shipped_at <= $now;

-- name: accepted_between
-- What a person did by hand and called done is theirs, and no build of Jarvis.
SELECT count(*) AS accepted FROM tasks t WHERE t.state = 'accepted' AND t.accepted_at > $since AND t.accepted_at <= $now
    AND EXISTS (SELECT 1 FROM attempts a WHERE a.task = t.id AND a.verdict IN ('verified', 'unverified'));

-- name: accepted_runs
-- The last attempt of each accepted task, and the sittings that led up to it.
WITH last AS (
    SELECT a.task, a.claimed_at, a.seconds, t.accepted_at AS counted_at FROM attempts a JOIN tasks t ON t.id = a.task
    WHERE a.ended_at IS NOT NULL AND a.seconds IS NOT NULL AND a.undone_at IS NULL AND a.verdict IN ('verified', 'unverified')
        AND t.state = 'accepted' AND t.accepted_at > $since AND t.accepted_at <= $now
    QUALIFY row_number() OVER (PARTITION BY a.task ORDER BY a.claimed_at DESC, a.n DESC) = 1
)
SELECT claimed_at, seconds, counted_at FROM last
UNION ALL
SELECT p.claimed_at, p.seconds, l.counted_at FROM attempts p JOIN last l ON l.task = p.task
WHERE p.outcome = 'paused' AND p.seconds IS NOT NULL AND p.claimed_at < l.claimed_at AND NOT EXISTS (
    SELECT 1 FROM attempts f WHERE f.task = p.task AND f.outcome = 'finished' AND f.claimed_at > p.claimed_at AND f.claimed_at < l.claimed_at
);

-- name: fruitless_runs
SELECT claimed_at, seconds, ended_at AS counted_at FROM attempts
WHERE ended_at > $since AND ended_at <= $now AND seconds IS NOT NULL AND verdict NOT IN ('verified', 'unverified') AND outcome <> 'paused';

-- name: fixed_between
-- A fix counts on the day when its check was green again, at least 24 hours after it; until then it is watched.
SELECT count(*) FILTER (WHERE held AND checked_at > $since AND checked_at <= $now) AS held,
    count(*) FILTER (WHERE held = false AND checked_at > $since AND checked_at <= $now) AS came_back,
    count(*) FILTER (WHERE "at" > $since AND "at" <= $now AND (checked_at IS NULL OR checked_at > $now)) AS watching
FROM fixes WHERE verified AND (undone_at IS NULL OR undone_at > $now OR undone_by = 'watch');

-- name: notices_between
SELECT "at", kind, sentence FROM notices WHERE "at" > $since AND "at" <= $now ORDER BY "at";

-- name: cleared_between
SELECT sum(attempts) AS attempts, sum(others) AS others, sum(bytes) AS bytes, max(keep_days) AS keep_days FROM clearings WHERE "at" > $since AND "at" <= $now;

-- name: tasks
SELECT id, title, category, priority, hours, state, why, recipe, due, added_at, changed_at, shipped_at, accepted_at, undone_at, attempts
FROM tasks ORDER BY added_at, id;

-- name: attempts
SELECT r.id, r.task, r.title, r.category, r.n, r.session, r.claimed_at, r.ended_at, r.outcome, r.verdict, r.verdict_why, r.seconds, r.planned_hours,
    r.state, r.isolation, r.log, r.notebook
FROM results r ORDER BY r.claimed_at, r.id;

-- name: sessions
SELECT s.id, s.kind, s."window", s.opened_at, s.deadline, s.closed_at, s.outcome, s.said, s.lanes, s.isolation, s.policy_hash,
    (SELECT count(*) FROM attempts a WHERE a.session = s.id) AS attempts,
    (SELECT count(*) FROM attempts a WHERE a.session = s.id AND a.verdict = 'verified') AS verified
FROM sessions s ORDER BY s.opened_at, s.id;

-- name: phases
SELECT session, name, event, "at", said, seconds FROM phases ORDER BY "at", session;

-- name: decisions
SELECT d.task, t.title, d."at", d.actor, d.verdict, d.rule, d.risk, array_to_string(d.reasons, '; ') AS reasons, d.policy_hash
FROM decisions d JOIN tasks t ON t.id = d.task ORDER BY d."at", d.task;

-- name: problems
SELECT key, kind, subject, what, probability, severity, suggested, safe, state, first_seen, last_seen, seen, came_back
FROM problems ORDER BY last_seen DESC, key;

-- name: planned_real
-- The newest verified attempt of each task, newest first: what was planned for it and what it took.
SELECT id, task, title, planned_hours, seconds FROM results
WHERE ended_at > $since AND ended_at <= $now AND verdict = 'verified' AND seconds > 0 AND planned_hours > 0
QUALIFY row_number() OVER (PARTITION BY task ORDER BY claimed_at DESC, n DESC) = 1
ORDER BY ended_at DESC, id;

-- name: pages_between
-- The newest page of each of the night's analytic steps.
SELECT kind, path, headline, made_at FROM briefs WHERE made_at > $since AND made_at <= $now
QUALIFY row_number() OVER (PARTITION BY kind ORDER BY made_at DESC, path) = 1 ORDER BY kind;

-- name: patterns_between
SELECT * FROM patterns WHERE (state = 'learned' AND learned_at > $since AND learned_at <= $now) OR (state = 'retired' AND changed_at > $since AND changed_at <= $now)
ORDER BY state, low DESC, id;

-- name: built_ahead_between
SELECT s.*, t.state AS task_state FROM suggestions s LEFT JOIN tasks t ON t.id = s.task
WHERE s.made_at > $since AND s.made_at <= $now AND s.state IN ('asked', 'queued', 'used') ORDER BY s.need_at, s.id;

-- name: measured_between
SELECT * FROM improvements WHERE measured_at > $since AND measured_at <= $now ORDER BY measured_at DESC, id;

-- name: improvements_between
SELECT * FROM improvements WHERE state = 'proposed' AND proposed_at > $since AND proposed_at <= $now ORDER BY proposed_at DESC, id;

-- name: calls_between
SELECT agent, count(*) AS calls, sum(tokens_in) AS tokens_in, sum(tokens_out) AS tokens_out, sum(cost) AS cost, count(*) FILTER (cost IS NULL) AS untold
FROM calls WHERE "at" > $since AND "at" <= $now GROUP BY agent ORDER BY agent;

-- name: accounts_kept_back
SELECT * FROM accounts WHERE (held_until IS NOT NULL AND held_until > $now) OR (stopped_for <> '' AND stopped_for = $session) ORDER BY agent;

-- name: learned_between
-- Routines that count as learned, and how many of them were used at least once: a task was queued because of them.
SELECT count(*) AS learned, count(*) FILTER (used) AS used FROM (
    SELECT p.id, coalesce(bool_or(s.state IN ('queued', 'used')), false) AS used FROM patterns p LEFT JOIN suggestions s ON s.pattern = p.id AND s.made_at <= $now
    WHERE p.state = 'learned' AND p.learned_at > $since AND p.learned_at <= $now GROUP BY p.id
);

-- name: away_between
SELECT set_at AS "start", least(until, coalesce(ended_at, until)) AS "end" FROM overrides
WHERE state = 'away' AND set_at <= $now AND least(until, coalesce(ended_at, until)) > $since ORDER BY 1, 2;

-- name: deferred
-- What the person put off without an end, the most important first; the rest comes by itself at its time.
SELECT id, title, hours, until FROM tasks WHERE state = 'parked' AND parked_kind = 'later' AND until IS NULL AND added_at <= $now ORDER BY priority_value DESC, added_at, id;

-- name: ready_runs
-- Verified work that nobody has taken over yet.
SELECT a.claimed_at, a.seconds, a.ended_at AS counted_at FROM attempts a JOIN tasks t ON t.id = a.task
WHERE a.ended_at > $since AND a.ended_at <= $now AND a.seconds IS NOT NULL AND a.verdict = 'verified' AND t.state = 'shipped';

-- name: calibration
-- What was foreseen when an attempt began, and the hours that it took.
SELECT s.task, t.title, s.actual_h, s.p50, s.p80, s.held_p80, s.at_least, s.estimate_h, s.completed_at FROM estimate_scores s JOIN tasks t ON t.id = s.task
WHERE s.completed_at > $since AND s.completed_at <= $now AND s.actual_h > 0 AND s.p50 > 0 ORDER BY s.completed_at, s.attempt;

-- name: shipped_fate
-- What became of the builds that shipped in the span.
SELECT count(*) AS shipped, count(*) FILTER (state = 'accepted') AS accepted, count(*) FILTER (state = 'undone') AS undone
FROM tasks WHERE shipped_at > $since AND shipped_at <= $now AND state IN ('shipped', 'accepted', 'undone');

-- name: automatic_between
SELECT count(*) AS ran, count(*) FILTER (wrong) AS wrong FROM improver_automatic WHERE "at" > $since AND "at" <= $now;

-- name: kept_between
-- Accepted a week ago and not undone since.
SELECT id, title, category, accepted_at FROM kept
WHERE accepted_at + INTERVAL 7 DAY > $since AND accepted_at + INTERVAL 7 DAY <= $now ORDER BY accepted_at, id;

-- name: undone_between
SELECT id, title, category, shipped_at, undone_at FROM tasks WHERE undone_at > $since AND undone_at <= $now ORDER BY undone_at, id;

-- name: queue_ages
SELECT date_diff('second', added_at, $now::TIMESTAMP) / 86400 AS days FROM tasks WHERE state = 'queued' AND added_at <= $now ORDER BY added_at;
