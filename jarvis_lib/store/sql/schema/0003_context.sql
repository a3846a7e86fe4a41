-- What the calendar says: local days that count as weekend, and spans that are taken. Titles stand here only where the person allowed it.

CREATE TABLE days_off (day VARCHAR, name VARCHAR, source VARCHAR);
CREATE TABLE busy (source VARCHAR, "start" TIMESTAMP, "end" TIMESTAMP, all_day BOOLEAN, kind VARCHAR, uid VARCHAR, title VARCHAR);
