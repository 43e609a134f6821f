SELECT actor, epoch FROM "public".actors WHERE actor IN ($1, $2);

SELECT actor, wrapped FROM "public".seeds WHERE actor IN ($1, $2);

SELECT a.actor_system, a.actor_type, a.actor_key, a.epoch, a.revision, a.tags, a.state_type, a.state, s.wrapped
         FROM "public".actors a LEFT JOIN "public".seeds s ON s.actor = a.actor WHERE a.actor = $1;

UPDATE "public".actors SET owner = NULL WHERE owner = $1 AND ((actor = $2 AND epoch = $3) OR (actor = $4 AND epoch = $5));
