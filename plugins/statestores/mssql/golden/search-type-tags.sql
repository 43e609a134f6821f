-- @p1 varchar(8000), @p2 varchar(8000), @p3 varbinary(32), @p4 varbinary(32), @p5 varbinary(32), @p6 bigint, @p7 binary(32), @p8 binary(32)
SELECT a.actor_system, a.actor_type, a.actor_key, a.revision, a.epoch, a.tags,
  CASE WHEN a.state IS NULL THEN 0 ELSE 1 END, a.updated_ms
  FROM dbo.actors a JOIN dbo.actor_tags t ON t.actor = a.actor AND t.tag = @p7
  WHERE a.actor_system = @p1 AND t.actor_type = @p2 AND t.actor_key > @p3
  AND t.actor_key >= @p4 AND t.actor_key < @p5 AND EXISTS (SELECT 1 FROM dbo.actor_tags x WHERE x.tag = @p8
  AND x.actor_type = t.actor_type AND x.actor_key = t.actor_key)
  ORDER BY t.actor_key OFFSET 0 ROWS FETCH NEXT @p6 ROWS ONLY
