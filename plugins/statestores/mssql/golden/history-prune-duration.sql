-- @p1 varchar(8000), @p2 varchar(8000), @p3 varbinary(32), @p4 bigint
SELECT a.actor, a.actor_key FROM dbo.actors a
  WHERE a.actor_system = @p1 AND a.actor_type = @p2 AND a.actor_key > @p3
  AND EXISTS (SELECT 1 FROM dbo.history h WHERE h.actor = a.actor)
  ORDER BY a.actor_key OFFSET 0 ROWS FETCH NEXT @p4 ROWS ONLY
