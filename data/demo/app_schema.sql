-- The databases of the demo's app. SQLite; read by jarvis_lib/doors/demo_data.py.

-- name: tables
CREATE TABLE airlines (carrier TEXT, name TEXT);
CREATE TABLE airports (faa TEXT, name TEXT, lat REAL, lon REAL, alt INTEGER, tz INTEGER, dst TEXT, tzone TEXT);
CREATE TABLE planes (tailnum TEXT, year INTEGER, type TEXT, manufacturer TEXT, model TEXT, engines INTEGER, seats INTEGER, speed INTEGER, engine TEXT);
CREATE TABLE weather (
  origin TEXT, year INTEGER, month INTEGER, day INTEGER, hour INTEGER, temp REAL, dewp REAL, humid REAL, wind_dir INTEGER,
  wind_speed REAL, wind_gust REAL, precip REAL, pressure REAL, visib REAL, time_hour TEXT
);
CREATE TABLE flights (
  year INTEGER, month INTEGER, day INTEGER, dep_time INTEGER, sched_dep_time INTEGER, dep_delay INTEGER, arr_time INTEGER,
  sched_arr_time INTEGER, arr_delay INTEGER, carrier TEXT, flight INTEGER, tailnum TEXT, origin TEXT, dest TEXT, air_time INTEGER,
  distance INTEGER, hour INTEGER, minute INTEGER, time_hour TEXT
);

-- name: airlines
INSERT INTO airlines VALUES (?, ?);

-- name: airports
INSERT INTO airports VALUES (?, ?, ?, ?, ?, ?, ?, ?);

-- name: planes
INSERT INTO planes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: weather
INSERT INTO weather VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: flights
INSERT INTO flights VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: sessions
CREATE TABLE sessions (id INTEGER PRIMARY KEY, person TEXT, page TEXT, at TEXT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000)
INSERT INTO sessions SELECT i, printf('visitor-%06d', i % 977), '/board/' || (i % 53), datetime('2013-12-01', '+' || i || ' seconds') FROM n;

-- name: sessions_expired
DELETE FROM sessions WHERE id < 50000;

-- name: requests
SELECT time_hour, carrier, flight, origin, dest FROM flights ORDER BY rowid LIMIT 140000;
