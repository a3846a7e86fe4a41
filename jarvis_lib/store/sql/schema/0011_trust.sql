-- Earned trust: what became of the work of each kind (category, repository, recipe), and which tasks ran because of it.

CREATE TABLE trust (
    key VARCHAR, category VARCHAR, repo VARCHAR, recipe VARCHAR, verified INTEGER, accepted INTEGER, undone INTEGER, refuted INTEGER,
    escalated INTEGER, widened_at TIMESTAMP, narrowed_at TIMESTAMP, why VARCHAR
);

CREATE TABLE trust_uses (task VARCHAR, key VARCHAR, "at" TIMESTAMP);

-- The record with its sums: n results in all, of which `bad` speak against it.
CREATE VIEW trust_records AS
SELECT *, undone + refuted + escalated AS bad, accepted + undone + refuted + escalated AS n FROM trust;
