-- name: claims
SELECT claimed_at, task, verdict, seconds FROM attempts WHERE claimed_at >= $since AND claimed_at < $until ORDER BY claimed_at, id;
