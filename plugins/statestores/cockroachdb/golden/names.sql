INSERT INTO "public".types (actor_system, actor_type, spec) VALUES ($1, $2, $3)
            ON CONFLICT (actor_system, actor_type) DO UPDATE SET spec = EXCLUDED.spec;

SELECT spec FROM "public".types ORDER BY actor_system, actor_type;

SELECT value FROM "public".meta WHERE name = $1;

INSERT INTO "public".meta (name, value) VALUES ($1, $2)
            ON CONFLICT (name) DO UPDATE SET value = EXCLUDED.value;

INSERT INTO "public".meta (name, value) VALUES ($1, $2)
     ON CONFLICT (name) DO NOTHING;
