DELETE FROM "public".sessions WHERE state <> 'up' AND expires_ms < (SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) - 86400000;

UPDATE "public".sessions SET state = 'fenced', up_name = NULL WHERE up_name = $1;

INSERT INTO "public".sessions
              (node_name, up_name, boot_id, state, expires_ms, renewals, address)
       VALUES ($1, $2, $3, 'up', (SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) + $4, 0, $5);

SELECT id, expires_ms - (SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM "public".sessions WHERE up_name = $1;

UPDATE "public".sessions SET expires_ms = (SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) + $1, renewals = renewals + 1
        WHERE id = $2 AND state = 'up';

UPDATE "public".sessions SET state = 'closed', up_name = NULL WHERE id = $1 AND state = 'up';

UPDATE "public".sessions SET state = 'fenced', up_name = NULL WHERE id = $1 AND state = 'up';

SELECT id FROM "public".sessions WHERE id = $1 AND state = 'up';

UPDATE "public".sessions SET state = 'fenced', up_name = NULL WHERE id = $1 AND state = 'up' AND expires_ms <= (SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint);

SELECT id, node_name, boot_id, address, state, expires_ms - (SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint)
         FROM "public".sessions ORDER BY id;
