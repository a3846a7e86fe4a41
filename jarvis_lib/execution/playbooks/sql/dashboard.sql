-- What the flights dashboard shows, counted by SQLite. The cube's short names keep the page small: week, origin, carrier, hour, left, cancelled, late. A flight that never left has no dep_time; late is more than 15 minutes.

-- name: cube
SELECT
  MIN(51, (strftime('%j', printf('%d-%02d-%02d', year, month, day)) - 1) / 7) AS w,
  origin AS o,
  carrier AS c,
  hour / 3 * 3 AS h,
  COUNT(dep_time) AS n,
  COUNT(*) - COUNT(dep_time) AS x,
  COALESCE(SUM(dep_delay > 15), 0) AS l
FROM flights
GROUP BY 1, 2, 3, 4
ORDER BY 1, 2, 3, 4;

-- name: carriers
SELECT a.carrier AS code, a.name AS carrier, COUNT(*) AS flights, COUNT(f.dep_time) AS left, SUM(f.dep_delay > 15) AS late, SUM(f.dep_delay) AS minutes
FROM flights AS f JOIN airlines AS a ON a.carrier = f.carrier
GROUP BY a.carrier, a.name
ORDER BY flights DESC, a.name;

-- name: names
SELECT carrier, name FROM airlines ORDER BY carrier;

-- name: span
SELECT
  COUNT(*) AS flights,
  COUNT(dep_time) AS left,
  SUM(dep_delay > 15) AS late,
  MIN(printf('%d-%02d-%02d', year, month, day)) AS first,
  MAX(printf('%d-%02d-%02d', year, month, day)) AS last
FROM flights;
