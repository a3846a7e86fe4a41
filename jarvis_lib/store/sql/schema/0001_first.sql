-- State rows and append-only facts. No keys, no foreign keys, no secondary indexes: a row is replaced by delete and insert,
-- and a test hunts for orphans and doubles. All times are UTC without a zone; `store/rows.py` alone converts.

CREATE TABLE meta (key VARCHAR, value VARCHAR);

-- The journal's lines: `hash` = sha256(prev || canonical line). `refused` holds the sentence for a fact that a rule refused.
CREATE TABLE facts (
    seq BIGINT, id VARCHAR, "at" TIMESTAMP, actor VARCHAR, kind VARCHAR, task VARCHAR, session VARCHAR,
    data VARCHAR, v INTEGER, refused VARCHAR, prev VARCHAR, hash VARCHAR
);

CREATE TABLE tasks (
    id VARCHAR, title VARCHAR, description VARCHAR, hours DOUBLE, category VARCHAR, priority VARCHAR, priority_value INTEGER,
    recipe VARCHAR, "after" VARCHAR[], changes VARCHAR[], due TIMESTAMP, resumable BOOLEAN, project VARCHAR, tags VARCHAR[], content VARCHAR,
    state VARCHAR, why VARCHAR, parked_kind VARCHAR, until TIMESTAMP, actor VARCHAR,
    added_at TIMESTAMP, changed_at TIMESTAMP, revision INTEGER, content_hash VARCHAR, approved_hash VARCHAR,
    attempts INTEGER, deaths INTEGER, shipped_at TIMESTAMP, accepted_at TIMESTAMP, undone_at TIMESTAMP
);

CREATE TABLE decisions (
    task VARCHAR, "at" TIMESTAMP, actor VARCHAR, verdict VARCHAR, rule VARCHAR, risk VARCHAR, reasons VARCHAR[],
    policy_hash VARCHAR, content_hash VARCHAR
);

CREATE TABLE sessions (
    id VARCHAR, kind VARCHAR, "window" VARCHAR, opened_at TIMESTAMP, deadline TIMESTAMP, closed_at TIMESTAMP,
    outcome VARCHAR, said VARCHAR, owner VARCHAR, policy_hash VARCHAR, isolation VARCHAR, lanes INTEGER, stop_asked VARCHAR
);

CREATE TABLE phases (session VARCHAR, "at" TIMESTAMP, name VARCHAR, event VARCHAR, said VARCHAR, seconds DOUBLE);

CREATE TABLE attempts (
    id VARCHAR, task VARCHAR, n INTEGER, session VARCHAR, claimed_at TIMESTAMP, recipe VARCHAR, spec VARCHAR, place VARCHAR,
    isolation VARCHAR, expected_end TIMESTAMP, ended_at TIMESTAMP, outcome VARCHAR, exit_code INTEGER, seconds DOUBLE,
    verdict VARCHAR, verdict_why VARCHAR, tail VARCHAR, log VARCHAR, notebook VARCHAR, undo VARCHAR, undone_at TIMESTAMP,
    branch VARCHAR, commit_sha VARCHAR, base_sha VARCHAR
);

CREATE TABLE evidence (attempt VARCHAR, i INTEGER, kind VARCHAR, name VARCHAR, ok BOOLEAN, said VARCHAR, detail VARCHAR);

CREATE TABLE plans (id VARCHAR, made_at TIMESTAMP, actor VARCHAR, session VARCHAR, horizon TIMESTAMP);
CREATE TABLE slots (
    plan VARCHAR, task VARCHAR, "window" VARCHAR, "start" TIMESTAMP, "end" TIMESTAMP, lane INTEGER, code VARCHAR, sentence VARCHAR,
    part INTEGER, parts INTEGER
);
CREATE TABLE omissions (plan VARCHAR, task VARCHAR, code VARCHAR, sentence VARCHAR, reserve BOOLEAN);

CREATE TABLE problems (
    key VARCHAR, kind VARCHAR, subject VARCHAR, what VARCHAR, evidence VARCHAR, probability DOUBLE, severity VARCHAR,
    suggested VARCHAR, safe BOOLEAN, state VARCHAR, first_seen TIMESTAMP, last_seen TIMESTAMP, seen INTEGER, came_back BOOLEAN,
    blast VARCHAR
);
CREATE TABLE fixes (
    id VARCHAR, problem VARCHAR, playbook VARCHAR, "at" TIMESTAMP, session VARCHAR, said VARCHAR, verified BOOLEAN,
    check_said VARCHAR, undo VARCHAR, undone_at TIMESTAMP, undone_by VARCHAR, undone_why VARCHAR, tier VARCHAR, watch VARCHAR,
    checked_at TIMESTAMP, held BOOLEAN, held_said VARCHAR, came_back_at TIMESTAMP, emptied_at TIMESTAMP
);

CREATE TABLE briefs (kind VARCHAR, as_of TIMESTAMP, made_at TIMESTAMP, path VARCHAR, headline VARCHAR, sha256 VARCHAR);
CREATE TABLE notices ("at" TIMESTAMP, kind VARCHAR, sentence VARCHAR);

-- Analytics, so that CLI, notebooks and briefs count the same.

CREATE VIEW refusals AS SELECT seq, id, "at", actor, kind, task, refused AS sentence FROM facts WHERE refused IS NOT NULL;

CREATE VIEW results AS
SELECT a.*, t.title, t.category, t.priority, t.hours AS planned_hours, t.state, t.shipped_at, t.accepted_at
FROM attempts a JOIN tasks t ON t.id = a.task;

CREATE VIEW measured AS
SELECT e.attempt, a.task, e.name, e.said,
    CAST(json_extract(e.detail, '$.ratio') AS DOUBLE) AS ratio, CAST(json_extract(e.detail, '$.low') AS DOUBLE) AS low,
    CAST(json_extract(e.detail, '$.high') AS DOUBLE) AS high, CAST(json_extract(e.detail, '$.n') AS INTEGER) AS n,
    CAST(json_extract(e.detail, '$.before') AS DOUBLE) AS before, CAST(json_extract(e.detail, '$.after') AS DOUBLE) AS after_,
    json_extract_string(e.detail, '$.unit') AS unit
FROM evidence e JOIN attempts a ON a.id = e.attempt WHERE e.kind = 'measure';

CREATE VIEW kept AS SELECT * FROM tasks WHERE state = 'accepted' AND accepted_at IS NOT NULL AND undone_at IS NULL;
