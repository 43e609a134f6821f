SELECT digest, revision, reply FROM "public".dedup WHERE actor = $1 AND request_id = $2;

SELECT committed_ms, actor, request_id FROM "public".dedup
        WHERE committed_ms <= (SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) - $1 AND (committed_ms, actor, request_id) > ($2, $3, $4)
        ORDER BY committed_ms, actor, request_id LIMIT $5;

SELECT r.actor, r.request_id FROM
           (SELECT d.actor, d.request_id, d.committed_ms,
                   row_number() OVER (PARTITION BY d.actor ORDER BY d.committed_ms DESC,
                                      d.revision DESC, d.request_id DESC) AS place
              FROM "public".dedup d WHERE d.actor IN ($4)) r
          WHERE r.place > $1 AND r.committed_ms <= (SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) - $2
          ORDER BY r.committed_ms, r.place DESC LIMIT $3;

DELETE FROM "public".dedup WHERE (actor = $1 AND request_id = $2);
