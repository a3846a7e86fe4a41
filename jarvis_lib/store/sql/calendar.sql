-- name: days_off
SELECT DISTINCT day FROM days_off ORDER BY day;

-- name: busy
SELECT "start", "end" FROM busy WHERE "end" > $begin AND "start" < $end ORDER BY "start", "end";
