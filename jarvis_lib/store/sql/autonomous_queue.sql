-- name: by_prefix
SELECT * FROM tasks WHERE starts_with(id, $prefix) ORDER BY id LIMIT 6;

-- name: task
SELECT * FROM tasks WHERE id = $id;

-- name: listing
SELECT id, title, hours, category, priority, state, why, recipe, attempts, added_at, changed_at, due
FROM tasks
WHERE ($open_only = false OR state IN ('proposed', 'queued', 'parked', 'running', 'review'))
    AND ($state = '' OR state = $state)
ORDER BY CASE state WHEN 'running' THEN 0 WHEN 'review' THEN 1 WHEN 'parked' THEN 2 WHEN 'proposed' THEN 3 WHEN 'queued' THEN 4
    WHEN 'failed' THEN 5 WHEN 'shipped' THEN 6 WHEN 'accepted' THEN 7 ELSE 8 END, priority_value DESC, added_at, id
LIMIT $most;

-- name: lines
SELECT id, state, priority, hours, category, title
FROM tasks
WHERE ($open_only = false OR state IN ('proposed', 'queued', 'parked', 'running', 'review'))
    AND ($state = '' OR state = $state)
ORDER BY CASE state WHEN 'running' THEN 0 WHEN 'review' THEN 1 WHEN 'parked' THEN 2 WHEN 'proposed' THEN 3 WHEN 'queued' THEN 4
    WHEN 'failed' THEN 5 WHEN 'shipped' THEN 6 WHEN 'accepted' THEN 7 ELSE 8 END, priority_value DESC, added_at, id
LIMIT $most;

-- name: piped
-- The same lines as one text each, for a pipe: the database writes them, because a list of ten thousand has sixty thousand cells.
SELECT concat_ws(chr(9), id, state, priority, format('{:g}', hours), category, title) AS line
FROM tasks
WHERE ($open_only = false OR state IN ('proposed', 'queued', 'parked', 'running', 'review'))
    AND ($state = '' OR state = $state)
ORDER BY CASE state WHEN 'running' THEN 0 WHEN 'review' THEN 1 WHEN 'parked' THEN 2 WHEN 'proposed' THEN 3 WHEN 'queued' THEN 4
    WHEN 'failed' THEN 5 WHEN 'shipped' THEN 6 WHEN 'accepted' THEN 7 ELSE 8 END, priority_value DESC, added_at, id
LIMIT $most;

-- name: decisions
SELECT * FROM decisions WHERE task = $task ORDER BY "at";

-- name: attempts
SELECT * FROM attempts WHERE task = $task ORDER BY claimed_at, n;

-- name: evidence
SELECT e.* FROM evidence e JOIN attempts a ON a.id = e.attempt WHERE a.task = $task ORDER BY a.claimed_at, e.i;

-- name: attempt_evidence
SELECT * FROM evidence WHERE attempt = $attempt ORDER BY i;

-- name: facts
SELECT seq, "at", actor, kind, refused FROM facts WHERE task = $task ORDER BY seq;

-- name: newest_place
SELECT 'slot' AS kind, s."window", s."start", s."end", s.code, s.sentence, p.made_at
FROM slots s JOIN plans p ON p.id = s.plan WHERE s.task = $task AND p.id = (SELECT id FROM plans ORDER BY made_at DESC, rowid DESC LIMIT 1)
UNION ALL
SELECT 'omission', NULL, NULL, NULL, o.code, o.sentence, p.made_at
FROM omissions o JOIN plans p ON p.id = o.plan WHERE o.task = $task AND p.id = (SELECT id FROM plans ORDER BY made_at DESC, rowid DESC LIMIT 1);

-- name: waiting
SELECT t.*, (SELECT d.verdict FROM decisions d WHERE d.task = t.id ORDER BY d."at" DESC LIMIT 1) AS decided
FROM waiting t WHERE t.asked_until IS NULL OR t.asked_until > $now
ORDER BY t.urgency, t.due NULLS LAST, t.priority_value DESC, t.added_at, t.id;

-- name: put_off
-- What the person put off without an end: only they bring it back.
SELECT id, title FROM tasks WHERE state = 'parked' AND parked_kind = 'later' AND until IS NULL ORDER BY priority_value DESC, added_at, id;

-- name: wanting_agent
-- Queued tasks that a coding agent should do, with the one that they ask for (empty: any).
SELECT id, title, changed_at, coalesce(json_extract_string(content, '$.recipe.agent'), '') AS agent FROM tasks
WHERE state = 'queued' AND recipe = 'agent' AND added_at <= $now ORDER BY priority_value DESC, added_at, id;

-- name: open_for_agents
SELECT id, title, changed_at, coalesce(json_extract_string(content, '$.recipe.agent'), '') AS agent FROM tasks
WHERE state IN ('queued', 'parked', 'proposed') AND recipe = 'agent' ORDER BY priority_value DESC, added_at, id;

-- name: refused_since
SELECT r."at", r.actor, r.kind, r.task, r.sentence, json_extract_string(f.data, '$.data.task.title') AS title
FROM refusals r JOIN facts f ON f.seq = r.seq WHERE r."at" >= $since AND r.kind = 'task.added' ORDER BY r.seq DESC LIMIT 20;

-- name: running
SELECT a.id AS attempt, a.task, a.n, a.session, a.claimed_at, a.expected_end, a.log, a.place, t.title, t.hours, t.priority
FROM attempts a JOIN tasks t ON t.id = a.task WHERE a.ended_at IS NULL ORDER BY a.claimed_at;

-- name: running_changes
SELECT changes FROM tasks WHERE state = 'running';

-- name: ended_between
SELECT * FROM results WHERE ended_at >= $since AND ended_at <= $until ORDER BY ended_at;

-- name: added_between
SELECT count(*) AS added FROM tasks WHERE added_at >= $since AND added_at <= $until;

-- name: states
SELECT state, count(*) AS tasks FROM tasks GROUP BY state;

-- name: undecided
SELECT id, state, content, content_hash, approved_hash, parked_kind, until,
    (SELECT d.policy_hash FROM decisions d WHERE d.task = t.id ORDER BY d."at" DESC, d.content_hash LIMIT 1) AS policy_hash
FROM tasks t WHERE state IN ('queued', 'parked', 'proposed');

-- name: old_proposals
SELECT id FROM tasks WHERE state = 'proposed' AND added_at < $before;

-- name: due_later
SELECT id FROM tasks WHERE state = 'parked' AND parked_kind = 'later' AND until IS NOT NULL AND until <= $now AND approved_hash = content_hash;

-- name: open_attempts
SELECT a.*, t.content FROM attempts a JOIN tasks t ON t.id = a.task WHERE a.ended_at IS NULL;

-- name: open_sessions
SELECT * FROM sessions WHERE closed_at IS NULL;

-- name: session
SELECT * FROM sessions WHERE id = $id;

-- name: undoable
SELECT a.*, t.title, t.state, t.category FROM attempts a JOIN tasks t ON t.id = a.task
WHERE a.task = $task AND a.undone_at IS NULL AND a.verdict IN ('verified', 'unverified') ORDER BY a.claimed_at DESC, a.id LIMIT 1;

-- name: dependents_shipped
SELECT id, title FROM tasks WHERE list_contains("after", $task) AND state IN ('shipped', 'accepted', 'running') ORDER BY id;

-- name: last_night
-- Everything that the last session did and that is still there, the newest first: shipped work, branches that wait for a look, fixes.
WITH last AS (SELECT id FROM sessions WHERE closed_at IS NOT NULL ORDER BY opened_at DESC LIMIT 1)
SELECT t.id, 'task' AS what, max(a.ended_at) AS "at" FROM tasks t JOIN attempts a ON a.task = t.id
WHERE a.session = (SELECT id FROM last) AND t.state IN ('shipped', 'accepted') AND a.verdict = 'verified' AND a.undone_at IS NULL
GROUP BY t.id
UNION ALL
SELECT t.id, 'branch', max(a.ended_at) FROM tasks t JOIN attempts a ON a.task = t.id
WHERE a.session = (SELECT id FROM last) AND t.state = 'review' AND a.commit_sha IS NOT NULL AND a.undone_at IS NULL
GROUP BY t.id
UNION ALL
SELECT f.id, 'fix', f."at" FROM fixes f
WHERE f.session = (SELECT id FROM last) AND f.verified AND f.undone_at IS NULL
ORDER BY "at" DESC, id;

-- name: last_night_unseen
-- Attempts of the last session whose doings no undo can know whole.
SELECT t.id, t.title, bool_or(g.what IS NOT NULL) AS networked FROM tasks t JOIN attempts a ON a.task = t.id
LEFT JOIN grants g ON g.attempt = a.id AND starts_with(g.what, 'network')
WHERE a.session = (SELECT id FROM sessions WHERE closed_at IS NOT NULL ORDER BY opened_at DESC LIMIT 1)
    AND a.outcome = 'finished' AND (g.what IS NOT NULL OR (len(t.changes) = 0 AND t.recipe = 'command'))
GROUP BY t.id, t.title ORDER BY t.id;

-- name: tried_in
SELECT task, outcome, verdict FROM attempts WHERE session = $session;

-- name: newest_plan
SELECT s.task, s."window", s."start", s."end", false AS reserve FROM slots s
WHERE s.plan = (SELECT id FROM plans ORDER BY made_at DESC, rowid DESC LIMIT 1)
UNION ALL
SELECT o.task, '', NULL, NULL, true FROM omissions o
WHERE o.reserve AND o.plan = (SELECT id FROM plans ORDER BY made_at DESC, rowid DESC LIMIT 1);

-- name: paused
-- The sittings of a task since it last ran to its end. What failed or died between them was put back to where its own sitting had begun.
SELECT id, seconds, ended_at, undo FROM attempts
WHERE task = $task AND outcome = 'paused' AND id NOT IN (SELECT attempt FROM cleared WHERE task = $task)
    AND claimed_at > coalesce((SELECT max(claimed_at) FROM attempts WHERE task = $task AND outcome = 'finished'), '1970-01-01'::TIMESTAMP)
ORDER BY claimed_at, id;

-- name: offers
-- What the person is asked about before the need has passed.
SELECT * FROM suggestions WHERE state = 'asked' AND need_at > $now ORDER BY need_at, id;

-- name: accounts
SELECT * FROM accounts ORDER BY agent;

-- name: spent
SELECT sum(cost) AS cost, count(*) AS calls, count(*) FILTER (cost IS NULL) AS untold FROM calls WHERE session = $session;

-- name: spent_on_task
SELECT sum(cost) AS cost, count(*) AS calls FROM calls WHERE task = $task;

-- name: last_call
-- The newest call for a task or for those whose follow-up it is, with a session that can go on.
SELECT * FROM calls WHERE task = $task AND session_id <> '' ORDER BY "at" DESC, i DESC LIMIT 1;

-- name: calls
SELECT c.* FROM calls c JOIN attempts a ON a.id = c.attempt WHERE c.task = $task ORDER BY a.claimed_at, c.i;

-- name: grants
SELECT g.* FROM grants g JOIN attempts a ON a.id = g.attempt WHERE g.task = $task ORDER BY a.claimed_at, g.what;

-- name: branches
-- Attempts whose result is a branch in the person's repository.
SELECT * FROM attempts WHERE task = $task AND commit_sha IS NOT NULL ORDER BY claimed_at DESC, id;

-- name: merged
-- The commit that the person's branch was at after this task's branch had been taken over.
SELECT json_extract_string(data, '$.data.merged') AS merged FROM facts
WHERE task = $task AND kind = 'task.accepted' AND refused IS NULL ORDER BY seq DESC LIMIT 1;

-- name: contents
SELECT id, state, content FROM tasks;

-- name: used_since
SELECT agent, count(*) AS calls, sum(tokens_in) AS tokens_in, sum(tokens_out) AS tokens_out, sum(cost) AS cost, count(*) FILTER (cost IS NULL) AS untold
FROM calls WHERE "at" >= $since GROUP BY agent;

-- name: newest_session
SELECT id FROM sessions ORDER BY opened_at DESC, id LIMIT 1;

-- name: trust
-- Kinds of work with their record, the longest first.
SELECT * FROM trust_records ORDER BY n DESC, key;

-- name: series_going_on
SELECT s.*, t.state, t.title, t.content FROM series s JOIN tasks t ON t.id = s.newest WHERE s.ended_at IS NULL ORDER BY s.started_at, s.id;

-- name: series_of
SELECT * FROM series WHERE id = $id;

-- name: imported
-- What a task was in the system that it came from.
SELECT file, kind, old_id, said, content, "at", actor FROM imports WHERE task = $task ORDER BY "at" LIMIT 1;

-- name: changes
-- What one person stated, the newest first; facts that take others back name them in `undoes`, and are none of these.
SELECT f.seq, f.id, f."at", f.kind, f.task, f.data, coalesce(t.title, '') AS title,
    EXISTS (SELECT 1 FROM facts u WHERE u.seq > f.seq AND u.refused IS NULL AND json_extract_string(u.data, '$.data.undoes') = f.id) AS taken_back
FROM facts f LEFT JOIN tasks t ON t.id = f.task
WHERE f.actor = $actor AND f."at" >= $since AND f.refused IS NULL AND f.kind IN (SELECT unnest($kinds::VARCHAR[]))
    AND json_extract_string(f.data, '$.data.undoes') IS NULL
ORDER BY f.seq DESC;

-- name: content_before
SELECT data, (SELECT count(*) FROM facts e WHERE e.task = $task AND e.kind = 'task.edited' AND e.refused IS NULL AND e.seq > $seq) > 0 AS edited_since
FROM facts WHERE task = $task AND kind IN ('task.added', 'task.edited') AND refused IS NULL AND seq < $seq ORDER BY seq DESC LIMIT 1;

-- name: to_clear
-- Attempts, among those that have files, whose task has waited for nobody since.
SELECT a.id, a.task FROM attempts a JOIN tasks t ON t.id = a.task
WHERE a.id IN (SELECT unnest($ids::VARCHAR[])) AND a.ended_at IS NOT NULL AND t.state IN (SELECT unnest($states::VARCHAR[])) AND t.changed_at < $before
ORDER BY a.ended_at, a.id;

-- name: cleared
SELECT attempt FROM cleared WHERE attempt IN (SELECT unnest($ids::VARCHAR[]));

-- name: cleared_of
SELECT max("at") AS "at" FROM cleared WHERE task = $task;
