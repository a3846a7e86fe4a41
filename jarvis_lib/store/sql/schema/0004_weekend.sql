-- The weekend: what was suggested (each candidate once, as it was last suggested), what was chosen, and the phases of what was started.

CREATE TABLE weekend_suggestions (id VARCHAR, weekend VARCHAR, made_at TIMESTAMP, actor VARCHAR, said VARCHAR);
CREATE TABLE weekend_candidates (
    id VARCHAR, weekend VARCHAR, suggestion VARCHAR, suggested_at TIMESTAMP, n INTEGER, kind VARCHAR, title VARCHAR, hours DOUBLE,
    p50 DOUBLE, p80 DOUBLE, chance DOUBLE, tasks VARCHAR[], revisions INTEGER[], content VARCHAR
);
-- state: selected, started, or replaced by another choice before its start. `phases` holds them as chosen (JSON).
CREATE TABLE weekend_builds (
    id VARCHAR, weekend VARCHAR, kind VARCHAR, title VARCHAR, hours DOUBLE, p50 DOUBLE, p80 DOUBLE, chance DOUBLE, tasks VARCHAR[],
    phases VARCHAR, state VARCHAR, selected_at TIMESTAMP, started_at TIMESTAMP, actor VARCHAR
);
CREATE TABLE weekend_phases (
    id VARCHAR, build VARCHAR, n INTEGER, name VARCHAR, task VARCHAR, hours DOUBLE, p50 DOUBLE, p80 DOUBLE, "window" VARCHAR,
    done_at TIMESTAMP, done_by VARCHAR
);
