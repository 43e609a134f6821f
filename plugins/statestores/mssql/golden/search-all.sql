-- @p1 varchar(8000), @p2 varchar(8000), @p3 varbinary(32), @p4 varbinary(32), @p5 varbinary(32), @p6 bigint
SELECT a.actor_system, a.actor_type, a.actor_key, a.revision, a.epoch, a.tags,
  CASE WHEN a.state IS NULL THEN 0 ELSE 1 END, a.updated_ms
  FROM dbo.actors a 
  WHERE a.actor_system = @p1 AND (a.actor_type > @p2 OR a.actor_type = @p2 AND a.actor_key > @p3)
  AND a.actor_key >= @p4 AND a.actor_key < @p5 
  ORDER BY a.actor_type, a.actor_key OFFSET 0 ROWS FETCH NEXT @p6 ROWS ONLY
