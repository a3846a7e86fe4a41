-- Routines of the person. What was logged by hand is a fact and stays; what was imported (git, shell, calendar) stands in data/events/ and not here,
-- so that it can be forgotten.

CREATE TABLE logged_events (id VARCHAR, "type" VARCHAR, "at" TIMESTAMP, source VARCHAR, detail VARCHAR, logged_at TIMESTAMP, actor VARCHAR);

-- Mined routines that counted as learned once: `state` is learned or retired; n of `occasions` later days, `low` the lower bound of that share.
CREATE TABLE patterns (
    id VARCHAR, kind VARCHAR, title VARCHAR, "when" VARCHAR, state VARCHAR, n INTEGER, occasions INTEGER, low DOUBLE, base_rate DOUBLE,
    learned_at TIMESTAMP, changed_at TIMESTAMP, said VARCHAR
);

-- What the person said about a pattern: enabled, disabled or dismissed; `template` is the task that an enabled one queues, JSON without id and due.
CREATE TABLE pattern_answers (pattern VARCHAR, answer VARCHAR, template VARCHAR, answered_at TIMESTAMP, actor VARCHAR);

-- What was offered before a need: asked, queued (as `task`), then used or wasted by whether the need came that day, or dismissed.
CREATE TABLE suggestions (
    id VARCHAR, pattern VARCHAR, title VARCHAR, need_at TIMESTAMP, build_from TIMESTAMP, p DOUBLE, low DOUBLE, worth DOUBLE, cost DOUBLE,
    state VARCHAR, task VARCHAR, said VARCHAR, made_at TIMESTAMP, settled_at TIMESTAMP
);
