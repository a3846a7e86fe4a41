-- What persons asked for, and when. Tasks that a component or an agent proposed tell nothing about the person's routines.

-- name: added
SELECT title, category, added_at FROM tasks
WHERE starts_with(actor, 'person') AND added_at > $since AND added_at <= $until
ORDER BY added_at, id;
