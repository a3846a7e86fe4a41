-- What the plan knows beyond slots: learned hours for each open task (replaced when a plan moves them), the person's pins (an empty window is none
-- any more), and for each window with slots the probability that all of them are done by the end of its work.

CREATE TABLE estimates (task VARCHAR, made_at TIMESTAMP, p10 DOUBLE, p50 DOUBLE, p80 DOUBLE, p90 DOUBLE, why VARCHAR);
CREATE TABLE pins (task VARCHAR, "window" VARCHAR, pinned_at TIMESTAMP, actor VARCHAR);
CREATE TABLE finishes (plan VARCHAR, "window" VARCHAR, tasks INTEGER, probability DOUBLE, p50_end TIMESTAMP, p80_end TIMESTAMP);

-- What a plan had learned of nights: the share of the spread that a night's tasks have in common, and what drawn probabilities have meant.
CREATE TABLE lucks (plan VARCHAR, made_at TIMESTAMP, shared DOUBLE, shift DOUBLE, slope DOUBLE);

-- The forecast as it stood when the attempt was claimed: written before the fact, never changed.
CREATE TABLE foreseen (attempt VARCHAR, task VARCHAR, made_at TIMESTAMP, p10 DOUBLE, p50 DOUBLE, p80 DOUBLE, p90 DOUBLE);

-- The hours of each task's newest attempt that ran to its own end; a resumable task counts with all its sittings.
CREATE VIEW finished_work AS
WITH newest AS (
    SELECT task, arg_max(id, ended_at) AS id FROM attempts
    WHERE outcome = 'finished' AND verdict IN ('verified', 'unverified') AND seconds > 0 GROUP BY task
), worked AS (
    SELECT a.id, sum(a.seconds) OVER (PARTITION BY a.task ORDER BY a.claimed_at, a.id) AS sittings
    FROM attempts a JOIN tasks t ON t.id = a.task WHERE t.resumable AND a.ended_at IS NOT NULL
)
SELECT o.id AS attempt, o.task, o.session, t.category, t.priority, t.project, t.resumable, t.hours AS estimate_h, o.ended_at AS completed_at,
    (CASE WHEN t.resumable THEN w.sittings ELSE o.seconds END) / 3600 AS actual_h
FROM newest n JOIN attempts o ON o.id = n.id JOIN tasks t ON t.id = o.task LEFT JOIN worked w ON w.id = o.id;

-- What was foreseen at the claim, scored by what was finished. An attempt that its deadline ended after more than its p80 has missed it for sure
-- (`at_least`: its hours are a lower bound); left out it would make the forecasts look better than they were.
-- Sittings of resumable tasks are not scored: each was claimed with another forecast.
CREATE VIEW estimate_scores AS
SELECT f.attempt, f.task, w.session, w.category, f.made_at, w.completed_at, w.estimate_h, w.actual_h, false AS at_least, f.p10, f.p50, f.p80, f.p90,
    w.actual_h <= f.p50 AS held_p50, w.actual_h <= f.p80 AS held_p80, w.actual_h <= f.p90 AS held_p90
FROM foreseen f JOIN finished_work w ON w.attempt = f.attempt WHERE NOT w.resumable
UNION ALL
SELECT f.attempt, f.task, a.session, t.category, f.made_at, a.ended_at, t.hours, a.seconds / 3600, true, f.p10, f.p50, f.p80, f.p90, false, false, false
FROM foreseen f JOIN attempts a ON a.id = f.attempt JOIN tasks t ON t.id = a.task
WHERE NOT t.resumable AND a.outcome = 'timed_out' AND a.seconds / 3600 > f.p80;

-- Hours of the sittings of a task that has paused and not run to its end since.
CREATE VIEW sat AS
SELECT a.task, sum(a.seconds) / 3600 AS hours FROM attempts a
WHERE a.outcome = 'paused' AND NOT EXISTS (
    SELECT 1 FROM attempts f WHERE f.task = a.task AND f.outcome = 'finished' AND f.claimed_at > a.claimed_at
)
GROUP BY a.task;
