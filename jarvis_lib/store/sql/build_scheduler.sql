-- name: candidates
WITH edges AS (
    SELECT id, unnest("after") AS blocker FROM tasks
    WHERE state IN ('proposed', 'queued', 'parked', 'running', 'review') AND len("after") > 0
), waits AS (
    SELECT e.id, list(e.blocker ORDER BY e.blocker) AS unfinished
    FROM edges e LEFT JOIN tasks b ON b.id = e.blocker
    WHERE b.id IS NULL OR b.state NOT IN ('shipped', 'accepted')
    GROUP BY e.id
)
SELECT t.id, t.title, t.state, t.priority, t.category, t.hours, t."after", coalesce(w.unfinished, []) AS unfinished, t.due, t.added_at,
    t.why, t.changes, t.resumable, t.project, t.tags, p."window" AS pinned, e.p10, e.p50, e.p80, e.p90, e.why AS forecast_why,
    coalesce(s.hours, 0) AS done_h
FROM tasks t LEFT JOIN waits w ON w.id = t.id LEFT JOIN pins p ON p.task = t.id LEFT JOIN estimates e ON e.task = t.id
    LEFT JOIN sat s ON s.task = t.id
WHERE t.state IN ('proposed', 'queued', 'parked', 'running', 'review')
ORDER BY t.id;

-- name: next_candidates
-- The best runnable ones by score, by due date and by what waits for them, all that waits for these, what runs, and the best of the others.
WITH RECURSIVE live AS (
    SELECT id, state, hours, due, priority_value, "after", resumable, priority = 'CRITICAL' AND category = 'Bug fixes' AS urgent_fix,
        least(hours, coalesce(e.p80, hours)) AS need,
        priority_value * (1 + least(greatest(epoch($now::TIMESTAMP) - epoch(added_at), 0) / 86400, 60) / 30) / hours AS score
    FROM tasks LEFT JOIN estimates e ON e.task = tasks.id WHERE state IN ('proposed', 'queued', 'parked', 'running', 'review')
), edges AS (
    SELECT id, unnest("after") AS blocker FROM live WHERE len("after") > 0
), waits AS (
    SELECT e.id, list(e.blocker ORDER BY e.blocker) AS unfinished
    FROM edges e LEFT JOIN tasks b ON b.id = e.blocker
    WHERE b.id IS NULL OR b.state NOT IN ('shipped', 'accepted')
    GROUP BY e.id
), runnable AS (
    SELECT * FROM live WHERE state = 'queued' AND id NOT IN (SELECT id FROM waits)
        AND ((resumable AND $left_h >= 1) OR (need <= $left_h AND (hours <= $longest_h OR urgent_fix OR id IN (SELECT task FROM pins WHERE "window" <> ''))))
), picked AS (
    (SELECT id FROM runnable ORDER BY score DESC, id LIMIT 60)
    UNION (SELECT id FROM runnable WHERE due >= $now::TIMESTAMP ORDER BY due, score DESC, id LIMIT 20)
    UNION (
        SELECT r.id FROM runnable r JOIN edges e ON e.blocker = r.id JOIN live l ON l.id = e.id
        GROUP BY r.id ORDER BY max(l.score) DESC, r.id LIMIT 20
    )
    UNION (SELECT r.id FROM runnable r JOIN pins p ON p.task = r.id WHERE p."window" <> '')
    UNION (SELECT id FROM live WHERE state = 'running')
), reached AS (
    SELECT id FROM picked
    UNION
    SELECT e.id FROM edges e JOIN reached r ON r.id = e.blocker
), others AS (
    SELECT id FROM live WHERE id NOT IN (SELECT id FROM runnable) AND state <> 'running' ORDER BY score DESC, id LIMIT 12
)
SELECT t.id, t.title, t.state, t.priority, t.category, t.hours, t."after", coalesce(w.unfinished, []) AS unfinished, t.due, t.added_at,
    t.why, t.changes, t.resumable, t.project, t.tags, p."window" AS pinned, e.p10, e.p50, e.p80, e.p90, e.why AS forecast_why,
    coalesce(s.hours, 0) AS done_h
FROM tasks t LEFT JOIN waits w ON w.id = t.id LEFT JOIN pins p ON p.task = t.id LEFT JOIN estimates e ON e.task = t.id
    LEFT JOIN sat s ON s.task = t.id
WHERE t.id IN (SELECT id FROM reached UNION SELECT id FROM others)
ORDER BY t.id;

-- name: stats
-- What was imported as accepted has no time of acceptance here; it is no work of Jarvis, so it counts as a task and as nothing else.
WITH real AS (SELECT task, sum(seconds) / 3600 AS hours FROM attempts WHERE ended_at IS NOT NULL GROUP BY task)
SELECT count(*) AS total,
    count(*) FILTER (WHERE t.state = 'queued') AS queued,
    count(*) FILTER (WHERE t.state IN ('shipped', 'accepted') AND coalesce(t.shipped_at, t.accepted_at) IS NOT NULL) AS completed,
    count(*) FILTER (WHERE t.state = 'failed' AND t.attempts > 0) AS failed,
    count(*) FILTER (WHERE t.state = 'proposed') AS proposed,
    count(*) FILTER (WHERE t.state = 'parked') AS parked,
    count(*) FILTER (WHERE t.state = 'running') AS running,
    count(*) FILTER (WHERE t.state = 'review') AS review,
    count(*) FILTER (WHERE t.state = 'shipped') AS shipped,
    count(*) FILTER (WHERE t.state = 'accepted' AND t.accepted_at IS NOT NULL) AS accepted,
    count(*) FILTER (WHERE t.state = 'dropped') AS dropped,
    count(*) FILTER (WHERE t.state = 'undone') AS undone,
    coalesce(sum(t.hours) FILTER (WHERE t.state = 'queued'), 0) AS hours_queued,
    coalesce(sum(t.hours) FILTER (WHERE t.state IN ('shipped', 'accepted') AND coalesce(t.shipped_at, t.accepted_at) IS NOT NULL), 0) AS hours_planned,
    coalesce(sum(r.hours) FILTER (WHERE t.state IN ('shipped', 'accepted') AND coalesce(t.shipped_at, t.accepted_at) IS NOT NULL), 0) AS hours_real,
    coalesce(sum(r.hours), 0) AS hours_run
FROM tasks t LEFT JOIN real r ON r.task = t.id;

-- name: listing
WITH newest AS (SELECT id FROM plans ORDER BY made_at DESC, rowid DESC LIMIT 1)
SELECT t.id, t.state, t.priority, t.category, t.hours, t.title, t.due, t.added_at, t.why, s."start", s."window"
FROM tasks t LEFT JOIN slots s ON s.task = t.id AND s.part = 1 AND s.plan = (SELECT id FROM newest) AND t.state IN ('queued', 'running')
WHERE ($open_only = false OR t.state IN ('proposed', 'queued', 'parked', 'running', 'review')) AND ($state = '' OR t.state = $state)
ORDER BY CASE t.state WHEN 'running' THEN 0 WHEN 'review' THEN 1 WHEN 'parked' THEN 2 WHEN 'proposed' THEN 3 WHEN 'queued' THEN 4
    WHEN 'failed' THEN 5 WHEN 'shipped' THEN 6 WHEN 'accepted' THEN 7 ELSE 8 END, s."start" NULLS LAST, t.priority_value DESC, t.added_at, t.id
LIMIT $most;

-- name: newest_plan
SELECT p.id, p.made_at, p.horizon, p.session, p.actor,
    (SELECT count(*) FROM slots s WHERE s.plan = p.id) AS slots, (SELECT count(*) FROM omissions o WHERE o.plan = p.id) AS omissions
FROM plans p ORDER BY p.made_at DESC, p.rowid DESC LIMIT 1;

-- name: plan_rows
-- `p50_share` is the part of a slot's time by which the task is done in half of the cases; the rest is kept free for the other half.
WITH newest AS (SELECT id FROM plans ORDER BY made_at DESC, rowid DESC LIMIT 1), placed AS (
    SELECT s.*, sum(epoch(s."end") - epoch(s."start")) OVER (PARTITION BY s.task) / 3600 AS slot_hours FROM slots s WHERE s.plan = (SELECT id FROM newest)
)
SELECT s.task, t.title, t.priority, t.category, t.hours, t.due, t.state, s."window", s."start", s."end", s.lane, s.code, s.sentence, false AS reserve,
    s.part, s.parts, least(coalesce(e.p50 / e.p80, t.hours / s.slot_hours), 1.0) AS p50_share
FROM placed s JOIN tasks t ON t.id = s.task LEFT JOIN estimates e ON e.task = s.task
UNION ALL
SELECT o.task, t.title, t.priority, t.category, t.hours, t.due, t.state, NULL, NULL, NULL, NULL, o.code, o.sentence, o.reserve, 1, 1, NULL
FROM omissions o JOIN tasks t ON t.id = o.task WHERE o.plan = (SELECT id FROM newest)
ORDER BY "start" NULLS LAST, lane, reserve DESC, priority DESC, task;

-- name: booked
SELECT s."start", s."end" FROM slots s WHERE s.plan = (SELECT id FROM plans ORDER BY made_at DESC, rowid DESC LIMIT 1) AND s."end" > $now;

-- name: previous_slots
SELECT task, "window", "start", "end", lane, code, sentence, part, parts FROM slots
WHERE plan = (SELECT id FROM plans ORDER BY made_at DESC, rowid DESC LIMIT 1) ORDER BY "start", lane, task;

-- name: running_since
SELECT a.task, a.claimed_at FROM attempts a JOIN tasks t ON t.id = a.task WHERE t.state = 'running' AND a.ended_at IS NULL;

-- name: place_of
-- Where the newest plan has a task (its first slot from now on).
SELECT "window", "start", "end" FROM slots
WHERE plan = (SELECT id FROM plans ORDER BY made_at DESC, rowid DESC LIMIT 1) AND task = $task AND "end" > $now ORDER BY "start" LIMIT 1;

-- name: pin_of
SELECT "window", pinned_at FROM pins WHERE task = $task AND "window" <> '';

-- name: titles
SELECT id, title, state, priority, category, hours, due FROM tasks WHERE id IN (SELECT unnest($ids::VARCHAR[]));

-- name: settled
-- Queued tasks that had no place in the newest plan and have not changed since.
SELECT o.task FROM omissions o JOIN tasks t ON t.id = o.task JOIN plans p ON p.id = o.plan
WHERE p.id = (SELECT id FROM plans ORDER BY made_at DESC, rowid DESC LIMIT 1) AND o.reserve AND t.changed_at <= p.made_at ORDER BY o.task;

-- name: finishes
-- For each window of the newest plan: how probable it is that all of its tasks are done by the end of its work.
SELECT "window", tasks, probability, p50_end, p80_end FROM finishes
WHERE plan = (SELECT id FROM plans ORDER BY made_at DESC, rowid DESC LIMIT 1) ORDER BY p50_end, "window";

-- name: finished_hours
SELECT estimate_h, actual_h, category, priority, project, completed_at FROM finished_work ORDER BY completed_at, task;

-- name: open_hours
SELECT id, hours, category, priority, project FROM tasks WHERE state IN ('proposed', 'queued', 'parked', 'running', 'review') ORDER BY id;

-- name: estimates
SELECT e.* FROM estimates e JOIN tasks t ON t.id = e.task WHERE t.state IN ('proposed', 'queued', 'parked', 'running', 'review') ORDER BY e.task;

-- name: scored
SELECT * FROM estimate_scores ORDER BY completed_at, attempt;

-- name: by_group
-- Ended tasks and scored forecasts of all, by category and by the kind of the window in which the task's last attempt ran.
WITH worked AS (
    SELECT task, arg_max(session, claimed_at) AS session, sum(seconds) / 3600 AS hours FROM attempts WHERE ended_at IS NOT NULL GROUP BY task
), scores AS (
    SELECT task, count(*) AS scored, count(*) FILTER (WHERE held_p50) AS p50, count(*) FILTER (WHERE held_p80) AS p80,
        count(*) FILTER (WHERE held_p90) AS p90
    FROM estimate_scores GROUP BY task
), ended AS (
    SELECT t.category, s.kind AS "window", t.state, t.hours, w.hours AS real_h, e.scored, e.p50, e.p80, e.p90
    FROM tasks t JOIN worked w ON w.task = t.id JOIN sessions s ON s.id = w.session LEFT JOIN scores e ON e.task = t.id
)
SELECT CASE WHEN grouping(category) = 0 THEN 'category' WHEN grouping("window") = 0 THEN 'window' ELSE 'all' END AS grouped,
    coalesce(category, "window", '') AS word,
    count(*) FILTER (WHERE state IN ('shipped', 'accepted')) AS completed,
    count(*) FILTER (WHERE state = 'failed') AS failed,
    coalesce(sum(hours) FILTER (WHERE state IN ('shipped', 'accepted')), 0) AS hours_planned,
    coalesce(sum(real_h) FILTER (WHERE state IN ('shipped', 'accepted')), 0) AS hours_real,
    coalesce(sum(scored), 0)::INTEGER AS scored,
    coalesce(sum(p50), 0)::INTEGER AS held_p50,
    coalesce(sum(p80), 0)::INTEGER AS held_p80,
    coalesce(sum(p90), 0)::INTEGER AS held_p90
FROM ended GROUP BY GROUPING SETS ((), (category), ("window"))
ORDER BY grouped, completed DESC, word;

-- name: luck
SELECT shared, shift, slope FROM lucks ORDER BY made_at DESC, rowid DESC LIMIT 1;
