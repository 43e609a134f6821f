SELECT version(), (SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint);

SELECT table_name, column_name, data_type, is_nullable
     FROM information_schema.columns WHERE table_schema = $1;

SELECT tablename, indexname FROM pg_catalog.pg_indexes WHERE schemaname = $1;

CREATE SCHEMA IF NOT EXISTS "public";

CREATE TABLE IF NOT EXISTS "public".troupe_schema_lock (id bigint PRIMARY KEY);

INSERT INTO "public".troupe_schema_lock (id) VALUES (1) ON CONFLICT (id) DO NOTHING;

SELECT id FROM "public".troupe_schema_lock WHERE id = 1 FOR UPDATE;
