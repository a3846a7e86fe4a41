-- What needs the person's word, harm first. What they put off themselves is not asked about; what failed for good is, while its date is to come
-- and for a day after it (`asked_until`; empty where nothing ends the question).
CREATE VIEW waiting AS
SELECT *, CASE WHEN state = 'failed' THEN due + INTERVAL 1 DAY END AS asked_until,
    CASE WHEN parked_kind = 'escalated' THEN 0 WHEN due IS NOT NULL THEN 1 WHEN state = 'review' THEN 2 WHEN state = 'parked' THEN 3 ELSE 4 END AS urgency
FROM tasks
WHERE state IN ('review', 'proposed') OR (state = 'parked' AND parked_kind <> 'later') OR (state = 'failed' AND due IS NOT NULL);
