SELECT CAST(SERVERPROPERTY('ProductVersion') AS varchar(128)),
  CAST(SERVERPROPERTY('Edition') AS varchar(128)), CAST(SERVERPROPERTY('EngineEdition') AS int),
  d.delayed_durability_desc, CAST(d.is_read_only AS int), DATEDIFF_BIG(millisecond, '1970-01-01', SYSUTCDATETIME())
  FROM sys.databases d WHERE d.database_id = DB_ID();
GO
SELECT t.name, 'column', c.name, y.name, c.max_length, c.collation_name,
  CAST(c.is_identity AS int), CAST(c.is_nullable AS int)
  FROM sys.tables t
  JOIN sys.columns c ON c.object_id = t.object_id
  JOIN sys.types y ON y.user_type_id = c.user_type_id
  WHERE t.schema_id = SCHEMA_ID('dbo');
SELECT t.name, 'index', i.name, c.name, k.key_ordinal, i.filter_definition,
  CAST(i.is_unique AS int), NULL
  FROM sys.tables t
  JOIN sys.indexes i ON i.object_id = t.object_id
  JOIN sys.index_columns k ON k.object_id = i.object_id AND k.index_id = i.index_id
  JOIN sys.columns c ON c.object_id = k.object_id AND c.column_id = k.column_id
  WHERE t.schema_id = SCHEMA_ID('dbo')
  ORDER BY t.name, i.name, k.key_ordinal;
GO
-- begin transaction
GO
DECLARE @granted int;
EXEC @granted = sp_getapplock @Resource = 'troupe_schema', @LockMode = 'Exclusive',
  @LockOwner = 'Transaction', @LockTimeout = -1;
SELECT @granted;
GO
CREATE TABLE dbo.troupe_schema (
  version bigint NOT NULL,
  name varbinary(256) NOT NULL,
  checksum varbinary(256) NOT NULL,
  applied_ms bigint NOT NULL,
  CONSTRAINT troupe_schema_key PRIMARY KEY (version)
)
GO
CREATE TABLE dbo.locks (
  name varchar(63) COLLATE Latin1_General_BIN2 NOT NULL,
  CONSTRAINT locks_key PRIMARY KEY (name)
)
GO
CREATE TABLE dbo.sessions (
  id bigint IDENTITY(1, 1) NOT NULL,
  node_name varbinary(256) NOT NULL,
  up_name varbinary(256) NULL,
  boot_id varbinary(256) NOT NULL,
  state varchar(63) COLLATE Latin1_General_BIN2 NOT NULL,
  expires_ms bigint NOT NULL,
  renewals bigint NOT NULL,
  address varbinary(max) NOT NULL,
  CONSTRAINT sessions_key PRIMARY KEY (id)
)
GO
CREATE UNIQUE INDEX sessions_up ON dbo.sessions (up_name) WHERE up_name IS NOT NULL
GO
CREATE TABLE dbo.actors (
  actor binary(32) NOT NULL,
  actor_system varchar(63) COLLATE Latin1_General_BIN2 NOT NULL,
  actor_type varchar(63) COLLATE Latin1_General_BIN2 NOT NULL,
  actor_key varbinary(256) NOT NULL,
  owner bigint NULL,
  epoch bigint NOT NULL,
  revision bigint NOT NULL,
  commits bigint NOT NULL,
  updated_ms bigint NOT NULL,
  tags nvarchar(max) NOT NULL,
  state_type varbinary(max) NULL,
  state varbinary(max) NULL,
  CONSTRAINT actors_key PRIMARY KEY (actor)
)
GO
CREATE INDEX actors_by_name ON dbo.actors (actor_system, actor_type, actor_key)
GO
CREATE TABLE dbo.actor_tags (
  tag binary(32) NOT NULL,
  actor_type varchar(63) COLLATE Latin1_General_BIN2 NOT NULL,
  actor_key varbinary(256) NOT NULL,
  actor binary(32) NOT NULL,
  CONSTRAINT actor_tags_key PRIMARY KEY (tag, actor_type, actor_key)
)
GO
CREATE INDEX actor_tags_by_actor ON dbo.actor_tags (actor)
GO
CREATE TABLE dbo.dedup (
  actor binary(32) NOT NULL,
  request_id varbinary(256) NOT NULL,
  revision bigint NOT NULL,
  committed_ms bigint NOT NULL,
  digest varbinary(max) NOT NULL,
  reply varbinary(max) NOT NULL,
  CONSTRAINT dedup_key PRIMARY KEY (actor, request_id)
)
GO
CREATE INDEX dedup_by_age ON dbo.dedup (committed_ms)
GO
CREATE TABLE dbo.outbox (
  number bigint IDENTITY(1, 1) NOT NULL,
  actor binary(32) NOT NULL,
  target binary(32) NOT NULL,
  target_system varchar(63) COLLATE Latin1_General_BIN2 NOT NULL,
  target_type varchar(63) COLLATE Latin1_General_BIN2 NOT NULL,
  target_key varbinary(256) NOT NULL,
  message_id varbinary(256) NOT NULL,
  revision bigint NOT NULL,
  place bigint NOT NULL,
  action varchar(63) COLLATE Latin1_General_BIN2 NOT NULL,
  delay_ms bigint NOT NULL,
  due_ms bigint NOT NULL,
  ready_ms bigint NOT NULL,
  attempts bigint NOT NULL,
  dead_reason varbinary(max) NULL,
  body varbinary(max) NOT NULL,
  CONSTRAINT outbox_key PRIMARY KEY (number)
)
GO
CREATE INDEX outbox_by_pair ON dbo.outbox (actor, target, number)
GO
CREATE INDEX outbox_ready ON dbo.outbox (ready_ms, number)
GO
CREATE TABLE dbo.schedules (
  number bigint IDENTITY(1, 1) NOT NULL,
  actor binary(32) NOT NULL,
  name varbinary(256) NOT NULL,
  due_ms bigint NOT NULL,
  held_until_ms bigint NOT NULL,
  action varchar(63) COLLATE Latin1_General_BIN2 NOT NULL,
  repetition varbinary(max) NOT NULL,
  body varbinary(max) NOT NULL,
  CONSTRAINT schedules_key PRIMARY KEY (number)
)
GO
CREATE UNIQUE INDEX schedules_by_name ON dbo.schedules (actor, name)
GO
CREATE INDEX schedules_due ON dbo.schedules (due_ms, number)
GO
CREATE TABLE dbo.history (
  actor binary(32) NOT NULL,
  revision bigint NOT NULL,
  committed_ms bigint NOT NULL,
  action varchar(63) COLLATE Latin1_General_BIN2 NOT NULL,
  tags nvarchar(max) NOT NULL,
  state_type varbinary(max) NULL,
  state varbinary(max) NULL,
  CONSTRAINT history_key PRIMARY KEY (actor, revision)
)
GO
CREATE TABLE dbo.seeds (
  actor binary(32) NOT NULL,
  wrapped varbinary(max) NOT NULL,
  CONSTRAINT seeds_key PRIMARY KEY (actor)
)
GO
CREATE TABLE dbo.types (
  actor_system varchar(63) COLLATE Latin1_General_BIN2 NOT NULL,
  actor_type varchar(63) COLLATE Latin1_General_BIN2 NOT NULL,
  spec varbinary(max) NOT NULL,
  CONSTRAINT types_key PRIMARY KEY (actor_system, actor_type)
)
GO
CREATE TABLE dbo.meta (
  name varbinary(256) NOT NULL,
  value varbinary(max) NOT NULL,
  CONSTRAINT meta_key PRIMARY KEY (name)
)
GO
INSERT INTO dbo.locks (name) SELECT 'outbox' FROM (SELECT 1 AS one) o
  WHERE NOT EXISTS (SELECT 1 FROM dbo.locks l WHERE l.name = 'outbox')
GO
-- @p1 bigint, @p2 varbinary(32), @p3 varbinary(256)
INSERT INTO dbo.troupe_schema (version, name, checksum, applied_ms)
  VALUES (@p1, @p2, @p3, DATEDIFF_BIG(millisecond, '1970-01-01', SYSUTCDATETIME()))
GO
-- commit transaction
GO
SELECT name FROM dbo.locks WHERE 1 = 0
GO
INSERT INTO dbo.locks (name)
  SELECT name FROM dbo.locks WHERE 1 = 0
GO
UPDATE dbo.locks SET name = name WHERE 1 = 0
GO
DELETE FROM dbo.locks WHERE 1 = 0
GO
SELECT node_name FROM dbo.sessions WHERE 1 = 0
GO
INSERT INTO dbo.sessions (node_name, up_name, boot_id, state, expires_ms, renewals, address)
  SELECT node_name, up_name, boot_id, state, expires_ms, renewals, address FROM dbo.sessions WHERE 1 = 0
GO
UPDATE dbo.sessions SET node_name = node_name WHERE 1 = 0
GO
DELETE FROM dbo.sessions WHERE 1 = 0
GO
SELECT actor FROM dbo.actors WHERE 1 = 0
GO
INSERT INTO dbo.actors (actor, actor_system, actor_type, actor_key, owner, epoch, revision, commits, updated_ms, tags, state_type, state)
  SELECT actor, actor_system, actor_type, actor_key, owner, epoch, revision, commits, updated_ms, tags, state_type, state FROM dbo.actors WHERE 1 = 0
GO
UPDATE dbo.actors SET actor = actor WHERE 1 = 0
GO
DELETE FROM dbo.actors WHERE 1 = 0
GO
SELECT tag FROM dbo.actor_tags WHERE 1 = 0
GO
INSERT INTO dbo.actor_tags (tag, actor_type, actor_key, actor)
  SELECT tag, actor_type, actor_key, actor FROM dbo.actor_tags WHERE 1 = 0
GO
UPDATE dbo.actor_tags SET tag = tag WHERE 1 = 0
GO
DELETE FROM dbo.actor_tags WHERE 1 = 0
GO
SELECT actor FROM dbo.dedup WHERE 1 = 0
GO
INSERT INTO dbo.dedup (actor, request_id, revision, committed_ms, digest, reply)
  SELECT actor, request_id, revision, committed_ms, digest, reply FROM dbo.dedup WHERE 1 = 0
GO
UPDATE dbo.dedup SET actor = actor WHERE 1 = 0
GO
DELETE FROM dbo.dedup WHERE 1 = 0
GO
SELECT actor FROM dbo.outbox WHERE 1 = 0
GO
INSERT INTO dbo.outbox (actor, target, target_system, target_type, target_key, message_id, revision, place, action, delay_ms, due_ms, ready_ms, attempts, dead_reason, body)
  SELECT actor, target, target_system, target_type, target_key, message_id, revision, place, action, delay_ms, due_ms, ready_ms, attempts, dead_reason, body FROM dbo.outbox WHERE 1 = 0
GO
UPDATE dbo.outbox SET actor = actor WHERE 1 = 0
GO
DELETE FROM dbo.outbox WHERE 1 = 0
GO
SELECT actor FROM dbo.schedules WHERE 1 = 0
GO
INSERT INTO dbo.schedules (actor, name, due_ms, held_until_ms, action, repetition, body)
  SELECT actor, name, due_ms, held_until_ms, action, repetition, body FROM dbo.schedules WHERE 1 = 0
GO
UPDATE dbo.schedules SET actor = actor WHERE 1 = 0
GO
DELETE FROM dbo.schedules WHERE 1 = 0
GO
SELECT actor FROM dbo.history WHERE 1 = 0
GO
INSERT INTO dbo.history (actor, revision, committed_ms, action, tags, state_type, state)
  SELECT actor, revision, committed_ms, action, tags, state_type, state FROM dbo.history WHERE 1 = 0
GO
UPDATE dbo.history SET actor = actor WHERE 1 = 0
GO
DELETE FROM dbo.history WHERE 1 = 0
GO
SELECT actor FROM dbo.seeds WHERE 1 = 0
GO
INSERT INTO dbo.seeds (actor, wrapped)
  SELECT actor, wrapped FROM dbo.seeds WHERE 1 = 0
GO
UPDATE dbo.seeds SET actor = actor WHERE 1 = 0
GO
DELETE FROM dbo.seeds WHERE 1 = 0
GO
SELECT actor_system FROM dbo.types WHERE 1 = 0
GO
INSERT INTO dbo.types (actor_system, actor_type, spec)
  SELECT actor_system, actor_type, spec FROM dbo.types WHERE 1 = 0
GO
UPDATE dbo.types SET actor_system = actor_system WHERE 1 = 0
GO
DELETE FROM dbo.types WHERE 1 = 0
GO
SELECT name FROM dbo.meta WHERE 1 = 0
GO
INSERT INTO dbo.meta (name, value)
  SELECT name, value FROM dbo.meta WHERE 1 = 0
GO
UPDATE dbo.meta SET name = name WHERE 1 = 0
GO
DELETE FROM dbo.meta WHERE 1 = 0
GO
-- @p1 varbinary(32), @p2 varbinary(32)
INSERT INTO dbo.meta (name, value)
SELECT v.name, v.value
  FROM (VALUES (@p1, @p2)) v (name, value)
  WHERE NOT EXISTS (SELECT 1 FROM dbo.meta t WITH (UPDLOCK, SERIALIZABLE) WHERE v.name = t.name);
GO
-- @p1 varbinary(32)
SELECT value FROM dbo.meta WHERE name = @p1
