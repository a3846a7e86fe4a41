-- Calls of coding agents, the accounts that they share, and what an attempt was granted. Tokens and cost are NULL where nobody told them.

CREATE TABLE calls (
    attempt VARCHAR, i INTEGER, task VARCHAR, session VARCHAR, "at" TIMESTAMP, agent VARCHAR, version VARCHAR, model VARCHAR,
    session_id VARCHAR, exit_code INTEGER, tokens_in BIGINT, tokens_out BIGINT, cost DOUBLE, turns INTEGER, tool_calls INTEGER,
    tool_errors INTEGER, denials VARCHAR[], error VARCHAR
);

CREATE TABLE accounts (
    agent VARCHAR, held_until TIMESTAMP, why VARCHAR, errors INTEGER, last_error VARCHAR, stopped_for VARCHAR, "at" TIMESTAMP
);

CREATE TABLE grants (attempt VARCHAR, task VARCHAR, "at" TIMESTAMP, what VARCHAR, why VARCHAR);
