-- The slot ledger, for the scheduler's knocks, the doctor and `jarvis cron show`.

-- name: slot
SELECT * FROM cron_slots WHERE slot = $slot;

-- name: slots_since
SELECT * FROM cron_slots WHERE due >= $since ORDER BY due, slot;

-- name: installed
SELECT scheduler, since, changed_at FROM cron_installed WHERE removed_at IS NULL ORDER BY scheduler;
