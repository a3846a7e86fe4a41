-- name: tasks
-- Every open task with what a weekend must know of it; `unblocks` counts the open tasks outside that wait for it.
WITH live AS (
    SELECT * FROM tasks WHERE state IN ('proposed', 'queued', 'parked', 'running', 'review')
), waits AS (
    SELECT blocker, count(*) AS unblocks FROM (SELECT unnest("after") AS blocker FROM live WHERE len("after") > 0) GROUP BY blocker
), newest AS (
    SELECT * FROM estimates QUALIFY row_number() OVER (PARTITION BY task ORDER BY made_at DESC) = 1
)
SELECT t.id, t.title, t.description, t.state, t.parked_kind, t.recipe, t.revision, t.resumable, t.project, t.content,
    coalesce(w.unblocks, 0) AS unblocks, e.p50, e.p80, e.why AS estimate_why
FROM live t LEFT JOIN waits w ON w.blocker = t.id LEFT JOIN newest e ON e.task = t.id
ORDER BY t.id;

-- name: candidate
SELECT * FROM weekend_candidates WHERE starts_with(id, $prefix) ORDER BY suggested_at DESC, n;

-- name: newest_suggestion
SELECT * FROM weekend_suggestions WHERE weekend = $weekend ORDER BY made_at DESC, id DESC LIMIT 1;

-- name: chosen
SELECT * FROM weekend_builds WHERE state = 'selected' ORDER BY selected_at DESC, id LIMIT 1;

-- name: newest_started
SELECT * FROM weekend_builds WHERE state = 'started' AND started_at <= $now ORDER BY started_at DESC, id LIMIT 1;

-- name: build
SELECT * FROM weekend_builds WHERE id = $id;

-- name: builds
-- The builds of the newest weekend that has any that was chosen by then.
WITH chosen AS (SELECT * FROM weekend_builds WHERE state IN ('selected', 'started') AND selected_at <= $now)
SELECT * FROM chosen WHERE weekend = (SELECT max(weekend) FROM chosen) ORDER BY started_at NULLS LAST, selected_at, id;

-- name: phases
SELECT p.*, t.title, t.state, t.why, t.parked_kind, t.changes, t.resumable, t.shipped_at, t.accepted_at, t."after",
    (SELECT sum(a.seconds) / 3600 FROM attempts a WHERE a.task = p.task AND a.ended_at IS NOT NULL AND a.ended_at <= $now) AS real_h,
    (SELECT max(a.claimed_at) FROM attempts a WHERE a.task = p.task AND a.ended_at IS NULL AND a.claimed_at <= $now) AS running_since
FROM weekend_phases p JOIN tasks t ON t.id = p.task WHERE p.build = $build ORDER BY p.n;

-- name: phase_task
-- A task that an earlier start added for this phase, when that start was interrupted.
SELECT * FROM tasks WHERE title = $title AND list_contains(tags, $tag) AND state IN ('proposed', 'queued', 'parked') ORDER BY added_at LIMIT 1;

-- name: slots
SELECT s.task, s."start", s."end", s."window", s.sentence FROM slots s
WHERE s.plan = (SELECT id FROM plans ORDER BY made_at DESC, rowid DESC LIMIT 1) AND list_contains($tasks::VARCHAR[], s.task) ORDER BY s."start";

-- name: taken
-- What a started build of this weekend does already is not offered again.
SELECT p.task FROM weekend_phases p JOIN weekend_builds b ON b.id = p.build WHERE b.weekend = $weekend AND b.state = 'started';
