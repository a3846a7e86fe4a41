-- What is told through the doors: to agents, in the heartbeat, in the memory notes and in the calendar feed.

-- name: tasks
SELECT id, title, state, category, priority, hours, due, why, actor = $actor AS mine FROM tasks
WHERE CASE $state WHEN 'all' THEN true WHEN 'open' THEN state IN ('proposed', 'queued', 'parked', 'running', 'review')
    WHEN 'mine' THEN actor = $actor ELSE state = $state END
ORDER BY CASE state WHEN 'running' THEN 0 WHEN 'review' THEN 1 WHEN 'parked' THEN 2 WHEN 'proposed' THEN 3 WHEN 'queued' THEN 4
    WHEN 'failed' THEN 5 WHEN 'shipped' THEN 6 WHEN 'accepted' THEN 7 ELSE 8 END, priority_value DESC, added_at, id
LIMIT $most;

-- name: states
SELECT state, count(*) AS tasks FROM tasks GROUP BY state ORDER BY state;

-- name: proposed_as
SELECT json_extract_string(data, '$.data.task.title') AS title, json_extract_string(data, '$.data.task.description') AS description
FROM facts WHERE task = $task AND kind = 'task.added' AND refused IS NULL ORDER BY seq LIMIT 1;

-- name: progress
SELECT n, "at", actor, percent, note FROM progress_notes WHERE task = $task ORDER BY "at" DESC LIMIT 5;

-- name: newest_progress
-- Numbers begin anew after a retry, so what an earlier attempt of the same number told is left out.
SELECT n, "at", actor, percent, note FROM progress_notes WHERE task = $task AND n = $n AND "at" >= $since ORDER BY "at" DESC, percent DESC LIMIT 1;

-- name: newest_brief
SELECT kind, as_of, made_at, headline, path FROM briefs WHERE kind = 'morning' ORDER BY as_of DESC, made_at DESC LIMIT 1;

-- name: due
-- Open tasks whose date is near or past, the nearest first.
SELECT id, title, state, due, hours FROM tasks
WHERE due IS NOT NULL AND due <= $until AND state IN ('proposed', 'queued', 'parked', 'running', 'review')
ORDER BY due, priority_value DESC, id LIMIT 20;

-- name: waiting
SELECT t.id, t.title, t.state, t.parked_kind, t.why, t.changed_at, t.added_at, t.due FROM waiting t
WHERE t.asked_until IS NULL OR t.asked_until > $now
ORDER BY t.urgency, t.due NULLS LAST, t.priority_value DESC, t.added_at, t.id;

-- name: asked
-- Questions that are no task: routines that could be ready, improvements that could be made.
SELECT 'routine' AS kind, id, title, said, need_at AS "at" FROM suggestions WHERE state = 'asked' AND need_at > $now
UNION ALL
SELECT 'improvement', id, title, why, proposed_at FROM improvements WHERE state = 'proposed'
ORDER BY kind DESC, "at", id;

-- name: done_since
-- What Jarvis and the person did after a number of the journal, in its order, with the titles that people know it by.
SELECT f.seq, f."at", f.kind, f.actor, coalesce(t.id, '') AS task, coalesce(t.title, '') AS title, coalesce(t.category, '') AS category,
    coalesce(a.verdict, '') AS verdict, coalesce(a.outcome, '') AS outcome, coalesce(a.verdict_why, '') AS why, coalesce(a.seconds, 0) AS seconds,
    coalesce(json_extract_string(f.data, '$.data.fix.said'), json_extract_string(f.data, '$.data.headline'), json_extract_string(f.data, '$.data.sentence'), '')
        AS said,
    coalesce(CAST(json_extract(f.data, '$.data.fix.verified') AS BOOLEAN), false) AS verified,
    coalesce(x.said, '') AS fix_said
FROM facts f LEFT JOIN tasks t ON t.id = f.task
LEFT JOIN attempts a ON f.kind = 'attempt.ended' AND a.id = json_extract_string(f.data, '$.data.attempt')
LEFT JOIN fixes x ON f.kind = 'fix.undone' AND x.id = json_extract_string(f.data, '$.data.fix')
WHERE f.seq > $after AND f."at" > $since AND f.refused IS NULL
    AND (f.kind IN ('attempt.ended', 'task.accepted', 'task.undone', 'task.withdrawn', 'fix.applied', 'fix.undone', 'brief.made')
        OR (f.kind = 'notice' AND json_extract_string(f.data, '$.data.kind') = 'escalation')
        OR (f.kind = 'task.added' AND NOT starts_with(f.actor, 'person')))
ORDER BY f.seq LIMIT $most;

-- name: memory
SELECT * FROM memory_notes WHERE path = $path;

-- name: first_fact
-- Names this workspace, wherever it is moved to.
SELECT id FROM facts ORDER BY seq LIMIT 1;

-- name: same_notice
SELECT "at" FROM notices WHERE sentence = $sentence AND "at" > $since LIMIT 1;

-- name: journal_end
SELECT coalesce(max(seq), 0) AS seq FROM facts;

-- name: session_slots
-- The coming sessions of the newest plan, task by task. `sequence` is how many plans have had this window: it only ever rises.
WITH newest AS (SELECT id, made_at FROM plans ORDER BY made_at DESC, rowid DESC LIMIT 1)
SELECT s."window", s.task, t.title, t.hours, s."start", s."end", n.made_at,
    (SELECT count(DISTINCT o.plan) FROM slots o WHERE o."window" = s."window") - 1 AS sequence
FROM slots s JOIN newest n ON n.id = s.plan JOIN tasks t ON t.id = s.task
WHERE s."end" > $now ORDER BY s."window", s."start", s.lane, s.task;

-- name: dated
-- Open tasks with a date from now on.
SELECT id, title, state, due, changed_at, revision FROM tasks
WHERE due > $now AND state IN ('proposed', 'queued', 'parked', 'running', 'review') ORDER BY due, id;

-- name: last_move
-- The last number of the journal that may have changed what waits for the person; it only ever rises.
SELECT coalesce(max(seq), 0) AS seq, max("at") AS "at" FROM facts
WHERE refused IS NULL AND (starts_with(kind, 'task.') OR kind IN ('attempt.claimed', 'attempt.ended'));
