-- What Jarvis knows about itself: what was noted by hand or by programs, the weaknesses that were measured, and the improvements with their lives.

CREATE TABLE timings ("at" TIMESTAMP, op VARCHAR, ms DOUBLE, actor VARCHAR);
CREATE TABLE call_failures ("at" TIMESTAMP, api VARCHAR, error VARCHAR, actor VARCHAR);
CREATE TABLE corrections ("at" TIMESTAMP, topic VARCHAR, said VARCHAR, actor VARCHAR);
CREATE TABLE brief_readings ("at" TIMESTAMP, kind VARCHAR, actor VARCHAR);

-- `key` = measure/subject. `low` and `high` are the interval of `value` over `n` observations, `healthy` (JSON) the range that it left; `test` (JSON) says
-- what would show it gone. `digest` names severity and week of its newest row: it is written once for each. `times`: how often it was found after having been closed, plus one.
CREATE TABLE weaknesses (
    key VARCHAR, measure VARCHAR, subject VARCHAR, said VARCHAR, severity VARCHAR, n INTEGER, value DOUBLE, low DOUBLE, high DOUBLE, healthy VARCHAR,
    trend VARCHAR, test VARCHAR, evidence VARCHAR, digest VARCHAR, state VARCHAR, first_found TIMESTAMP, last_found TIMESTAMP, closed_at TIMESTAMP,
    closed_said VARCHAR, times INTEGER
);

-- state: proposed, accepted, declined, undone, reverted. `change` and `edit` are JSON: what is proposed, and what stood in jarvis.toml before and after.
-- `verdict` (helped, no effect, harmed, too little data) compares the measure before and after; `effect` is after against before.
CREATE TABLE improvements (
    id VARCHAR, weakness VARCHAR, kind VARCHAR, title VARCHAR, why VARCHAR, change VARCHAR, measure VARCHAR, subject VARCHAR, state VARCHAR,
    proposed_at TIMESTAMP, decided_at TIMESTAMP, actor VARCHAR, task VARCHAR, edit VARCHAR, verdict VARCHAR, effect DOUBLE, low DOUBLE, high DOUBLE,
    n_before INTEGER, n_after INTEGER, value_before DOUBLE, value_after DOUBLE, measured_said VARCHAR, measured_at TIMESTAMP, ended_at TIMESTAMP, ended_said VARCHAR
);

-- Observations: one row for each thing that was measured once. `x` is 1 or 0 for a share, a figure for a mean, 1 for what is counted; `ref` is where to look.

-- Ends that tell of the recipe; paused, limited and stopped attempts say nothing of it.
CREATE VIEW improver_ends AS
SELECT a.id, a.task, a.ended_at, a.recipe, a.outcome, a.verdict, t.title, t.category, t.changes, t.actor, s.kind AS "window",
    a.outcome NOT IN ('finished') OR a.verdict = 'refuted' AS failed
FROM attempts a JOIN tasks t ON t.id = a.task JOIN sessions s ON s.id = a.session
WHERE a.ended_at IS NOT NULL AND a.outcome NOT IN ('paused', 'limited', 'stopped');

CREATE VIEW improver_groups AS
SELECT id, 'recipe: ' || recipe AS subject FROM improver_ends WHERE recipe IS NOT NULL
UNION ALL SELECT id, 'category: ' || category FROM improver_ends
UNION ALL SELECT id, 'repository: ' || path FROM (SELECT id, unnest(changes) AS path FROM improver_ends)
UNION ALL SELECT id, actor FROM improver_ends WHERE starts_with(actor, 'agent:');

CREATE VIEW improver_forecasts AS
SELECT e.attempt, e.task, e.completed_at AS "at", t.title, ln(e.actual_h / e.p50) AS miss, CAST(e.held_p80 AS INTEGER) AS held,
    unnest(['all', 'category: ' || e.category, 'window: ' || s.kind, CASE WHEN t.project <> '' THEN 'project: ' || t.project END]) AS subject
FROM estimate_scores e JOIN tasks t ON t.id = e.task LEFT JOIN sessions s ON s.id = e.session
WHERE e.actual_h > 0 AND e.p50 > 0;

-- A question and the person's first answer to it. The rule that asked is the subject.
CREATE VIEW improver_answers AS
SELECT d.task, d.rule, f."at", t.title, CAST(f.kind = 'task.approved' AS INTEGER) AS yes
FROM decisions d JOIN facts f ON f.task = d.task AND f."at" >= d."at" JOIN tasks t ON t.id = d.task
WHERE d.verdict = 'ask' AND f.refused IS NULL AND starts_with(f.actor, 'person') AND f.kind IN ('task.approved', 'task.declined', 'task.dropped')
QUALIFY row_number() OVER (PARTITION BY d.task, d."at" ORDER BY f.seq) = 1 AND row_number() OVER (PARTITION BY d.task, f.seq ORDER BY d."at" DESC) = 1;

-- Windows that a plan had filled when they began, and whether a session worked in them.
CREATE VIEW improver_windows AS
WITH standing AS (SELECT id, made_at, lead(made_at) OVER (ORDER BY made_at, rowid) AS until FROM plans)
SELECT split_part(s."window", '@', 1) AS kind, s."window", min(s."start") AS "start", max(s."end") AS "at", count(DISTINCT s.task) AS tasks,
    bool_or(w."window" IS NOT NULL) AS worked
FROM slots s JOIN standing p ON p.id = s.plan
LEFT JOIN (SELECT DISTINCT se."window" FROM sessions se JOIN attempts a ON a.session = se.id) w ON w."window" = s."window"
WHERE p.made_at <= s."start" AND (p.until IS NULL OR p.until > s."start")
GROUP BY s."window";

-- Briefs of the mornings since the first that was said to be read; each had a day.
CREATE VIEW improver_briefs AS
SELECT b.as_of, max(b.made_at) + INTERVAL 1 DAY AS "at", any_value(b.headline) AS headline,
    bool_or(EXISTS (SELECT 1 FROM brief_readings r WHERE r.kind = b.kind AND r."at" >= b.made_at AND r."at" < b.made_at + INTERVAL 1 DAY)) AS was_read
FROM briefs b WHERE b.kind = 'morning' AND b.made_at >= (SELECT min("at") - INTERVAL 1 DAY FROM brief_readings WHERE kind = 'morning')
GROUP BY b.as_of;

-- A fix came back when its problem was fixed again, or stands open again, within two weeks.
CREATE VIEW improver_fixes AS
SELECT f.id, f.playbook, f.problem, f.said, f."at" + INTERVAL 1 DAY AS "at",
    EXISTS (SELECT 1 FROM fixes g WHERE g.problem = f.problem AND g."at" > f."at" AND g."at" <= f."at" + INTERVAL 14 DAY)
    OR (p.came_back AND p.state <> 'fixed' AND p.last_seen > f."at" AND p.last_seen <= f."at" + INTERVAL 14 DAY) AS came_back
FROM fixes f JOIN problems p ON p.key = f.problem WHERE f.verified AND f.undone_at IS NULL;

-- What ran without asking, and whether that was wrong: refuted, undone by the person, or corrected by them under its id.
CREATE VIEW improver_automatic AS
SELECT t.id AS task, t.title, t.category, max(a.ended_at) AS "at",
    t.undone_at IS NOT NULL OR bool_or(a.verdict = 'refuted')
    OR EXISTS (SELECT 1 FROM corrections c WHERE c.topic = t.id OR contains(c.said, t.id)) AS wrong
FROM tasks t JOIN attempts a ON a.task = t.id
WHERE a.ended_at IS NOT NULL AND a.outcome = 'finished' AND NOT EXISTS (
    SELECT 1 FROM facts f WHERE f.task = t.id AND f.kind = 'task.approved' AND f.refused IS NULL
)
GROUP BY t.id, t.title, t.category, t.undone_at;

CREATE VIEW improver_observations AS
SELECT 'forecast_bias' AS measure, subject, "at", miss AS x, task AS ref, title AS told FROM improver_forecasts WHERE subject IS NOT NULL
UNION ALL SELECT 'forecast_p80', subject, "at", held, task, title FROM improver_forecasts WHERE subject IS NOT NULL
UNION ALL SELECT 'failures', g.subject, e.ended_at, CAST(e.failed AS INTEGER), e.task, e.title || ': ' || e.outcome || ', ' || coalesce(e.verdict, '')
    FROM improver_ends e JOIN improver_groups g ON g.id = e.id
UNION ALL SELECT 'hollow', g.subject, e.ended_at, CAST(e.verdict = 'hollow' AS INTEGER), e.task, e.title
    FROM improver_ends e JOIN improver_groups g ON g.id = e.id WHERE e.outcome = 'finished'
UNION ALL SELECT 'unproved', 'category: ' || category, ended_at, CAST(verdict = 'unverified' AS INTEGER), task, title FROM improver_ends
    WHERE outcome = 'finished'
UNION ALL SELECT 'timeouts', 'all', ended_at, CAST(outcome = 'timed_out' AS INTEGER), task, title FROM improver_ends
UNION ALL SELECT 'same_answer', rule, "at", yes, task, title FROM improver_answers
UNION ALL SELECT 'unread', 'morning', "at", CAST(NOT was_read AS INTEGER), '', headline FROM improver_briefs
UNION ALL SELECT 'slow', op, "at", ms / 1000, '', actor FROM timings
UNION ALL SELECT 'slow_step', name, "at", seconds, session, said FROM phases WHERE event = 'ended' AND name <> 'run' AND seconds IS NOT NULL
UNION ALL SELECT 'skill', predictor, scored_at, brier - base_brier, id, subject FROM prediction_scores WHERE base_brier IS NOT NULL
UNION ALL SELECT 'came_back', playbook, "at", CAST(came_back AS INTEGER), id, problem FROM improver_fixes
UNION ALL SELECT 'wrongly_auto', category, "at", CAST(wrong AS INTEGER), task, title FROM improver_automatic
UNION ALL SELECT 'corrections', topic, "at", 1, '', said FROM corrections
UNION ALL SELECT 'failed_calls', api, "at", 1, '', error FROM call_failures
UNION ALL SELECT 'no_recipe', '', "at", 1, task, json_extract_string(data, '$.data.task.title') FROM facts
    WHERE kind = 'task.added' AND refused IS NULL AND starts_with(actor, 'person') AND json_extract_string(data, '$.data.task.recipe.kind') IS NULL
UNION ALL SELECT 'by_hand', '', "at", 1, task, json_extract_string(data, '$.data.task.title') FROM facts
    WHERE kind = 'task.added' AND refused IS NULL AND starts_with(actor, 'person') AND json_extract_string(data, '$.data.task.recipe.kind') IS NOT NULL;
