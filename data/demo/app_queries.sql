-- What the flight desk's app asks its database again and again. One SELECT each, ended by a semicolon.

-- name: history_of_one_aircraft
SELECT year, month, day, dep_time, carrier, flight, origin, dest, dep_delay
FROM flights
WHERE tailnum = 'N14228'
ORDER BY time_hour, flight;

-- name: departure_board
SELECT f.sched_dep_time, f.carrier, a.name, f.flight, f.dest, p.name
FROM flights AS f
JOIN airlines AS a ON a.carrier = f.carrier
LEFT JOIN airports AS p ON p.faa = f.dest
WHERE f.origin = 'JFK' AND f.month = 7 AND f.day = 4
ORDER BY f.sched_dep_time, f.carrier, f.flight;

-- name: worst_delays_on_a_route
SELECT month, day, carrier, flight, dep_delay, arr_delay
FROM flights
WHERE origin = 'LGA' AND dest = 'ATL' AND arr_delay > 240
ORDER BY arr_delay DESC, month, day, carrier, flight;

-- name: one_flight_number_over_the_year
SELECT month, COUNT(*) AS flights, SUM(dep_delay > 15) AS late, MAX(dep_delay) AS worst
FROM flights
WHERE carrier = 'UA' AND flight = 1545
GROUP BY month
ORDER BY month;

-- name: fleet_of_one_maker
SELECT p.tailnum, p.model, COUNT(f.flight) AS flights, SUM(f.distance) AS miles
FROM planes AS p
JOIN flights AS f ON f.tailnum = p.tailnum
WHERE p.manufacturer = 'CESSNA'
GROUP BY p.tailnum, p.model
ORDER BY flights DESC, p.tailnum;

-- name: delays_in_a_storm
SELECT f.origin, f.month, f.day, f.hour, f.carrier, f.flight, f.dep_delay, w.wind_speed, w.precip
FROM weather AS w
JOIN flights AS f ON f.origin = w.origin AND f.time_hour = w.time_hour
WHERE w.precip > 0.5
ORDER BY f.origin, f.time_hour, f.carrier, f.flight, f.sched_dep_time;

-- name: last_arrivals_at_an_airport
SELECT time_hour, carrier, flight, origin, arr_time, arr_delay
FROM flights
WHERE dest = 'HNL'
ORDER BY time_hour DESC, carrier, flight
LIMIT 50;

-- name: flights_without_a_tail_number
SELECT origin, month, COUNT(*) AS flights
FROM flights
WHERE tailnum IS NULL
GROUP BY origin, month
ORDER BY origin, month;
