-- @p1 bigint, @p2 varbinary(32)
SELECT t.actor, substring(t.state, 1, 10) FROM dbo.actors t WHERE t.actor > @p2
  ORDER BY t.actor OFFSET 0 ROWS FETCH NEXT @p1 ROWS ONLY
GO
-- @p1 bigint, @p2 varbinary(32), @p3 bigint
SELECT t.actor, t.revision, substring(t.state, 1, 10) FROM dbo.history t WHERE (t.actor > @p2 OR t.actor = @p2 AND t.revision > @p3)
  ORDER BY t.actor, t.revision OFFSET 0 ROWS FETCH NEXT @p1 ROWS ONLY
GO
-- @p1 bigint, @p2 varbinary(32), @p3 varbinary(32)
SELECT t.actor, t.request_id, substring(t.reply, 1, 10) FROM dbo.dedup t WHERE (t.actor > @p2 OR t.actor = @p2 AND t.request_id > @p3)
  ORDER BY t.actor, t.request_id OFFSET 0 ROWS FETCH NEXT @p1 ROWS ONLY
GO
-- @p1 bigint, @p2 bigint
SELECT t.number, substring(t.body, 1, 10) FROM dbo.outbox t WHERE t.number > @p2
  ORDER BY t.number OFFSET 0 ROWS FETCH NEXT @p1 ROWS ONLY
GO
-- @p1 bigint, @p2 bigint
SELECT t.number, substring(t.body, 1, 10) FROM dbo.schedules t WHERE t.number > @p2
  ORDER BY t.number OFFSET 0 ROWS FETCH NEXT @p1 ROWS ONLY
GO
-- @p1 bigint, @p2 varbinary(32)
SELECT t.actor, substring(t.wrapped, 1, 10) FROM dbo.seeds t WHERE t.actor > @p2
  ORDER BY t.actor OFFSET 0 ROWS FETCH NEXT @p1 ROWS ONLY
