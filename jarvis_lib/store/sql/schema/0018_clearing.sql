-- What was removed when it was old: the folders of attempts, and the files that were set aside or archived. Evidence, logs' words and numbers stay.

CREATE TABLE clearings ("at" TIMESTAMP, attempts INTEGER, others INTEGER, bytes BIGINT, keep_days INTEGER);
CREATE TABLE cleared (attempt VARCHAR, task VARCHAR, "at" TIMESTAMP);
