-- @p1 varbinary(32), @p2 varbinary(32), @p3 bigint, @p4 varbinary(32)
SELECT p.actor, a.actor_system, a.actor_type, a.actor_key, p.revision, p.state_type,
  CASE WHEN substring(p.state, 1, 1) <> @p1 OR substring(p.state, 3, 8) <> @p2 THEN p.state END, s.wrapped
  FROM (SELECT * FROM dbo.actors t WHERE t.actor > @p4
  ORDER BY t.actor OFFSET 0 ROWS FETCH NEXT @p3 ROWS ONLY) p
  LEFT JOIN dbo.actors a ON a.actor = p.actor
  LEFT JOIN dbo.seeds s ON s.actor = p.actor
  ORDER BY p.actor
GO
-- @p1 varbinary(32), @p2 varbinary(32), @p3 bigint, @p4 varbinary(32), @p5 bigint
SELECT p.actor, p.revision, a.actor_system, a.actor_type, a.actor_key, p.revision, p.state_type,
  CASE WHEN substring(p.state, 1, 1) <> @p1 OR substring(p.state, 3, 8) <> @p2 THEN p.state END, s.wrapped
  FROM (SELECT * FROM dbo.history t WHERE (t.actor > @p4 OR t.actor = @p4 AND t.revision > @p5)
  ORDER BY t.actor, t.revision OFFSET 0 ROWS FETCH NEXT @p3 ROWS ONLY) p
  LEFT JOIN dbo.actors a ON a.actor = p.actor
  LEFT JOIN dbo.seeds s ON s.actor = p.actor
  ORDER BY p.actor, p.revision
GO
-- @p1 varbinary(32), @p2 varbinary(32), @p3 bigint, @p4 varbinary(32), @p5 varbinary(32)
SELECT p.actor, p.request_id, a.actor_system, a.actor_type, a.actor_key, p.revision, p.request_id,
  CASE WHEN substring(p.reply, 1, 1) <> @p1 OR substring(p.reply, 3, 8) <> @p2 THEN p.reply END, s.wrapped
  FROM (SELECT * FROM dbo.dedup t WHERE (t.actor > @p4 OR t.actor = @p4 AND t.request_id > @p5)
  ORDER BY t.actor, t.request_id OFFSET 0 ROWS FETCH NEXT @p3 ROWS ONLY) p
  LEFT JOIN dbo.actors a ON a.actor = p.actor
  LEFT JOIN dbo.seeds s ON s.actor = p.actor
  ORDER BY p.actor, p.request_id
GO
-- @p1 varbinary(32), @p2 varbinary(32), @p3 bigint, @p4 bigint
SELECT p.number, a.actor_system, a.actor_type, a.actor_key, p.revision, p.message_id,
  CASE WHEN substring(p.body, 1, 1) <> @p1 OR substring(p.body, 3, 8) <> @p2 THEN p.body END, s.wrapped
  FROM (SELECT * FROM dbo.outbox t WHERE t.number > @p4
  ORDER BY t.number OFFSET 0 ROWS FETCH NEXT @p3 ROWS ONLY) p
  LEFT JOIN dbo.actors a ON a.actor = p.actor
  LEFT JOIN dbo.seeds s ON s.actor = p.actor
  ORDER BY p.number
GO
-- @p1 varbinary(32), @p2 varbinary(32), @p3 bigint, @p4 bigint
SELECT p.number, a.actor_system, a.actor_type, a.actor_key, 0, p.name,
  CASE WHEN substring(p.body, 1, 1) <> @p1 OR substring(p.body, 3, 8) <> @p2 THEN p.body END, s.wrapped
  FROM (SELECT * FROM dbo.schedules t WHERE t.number > @p4
  ORDER BY t.number OFFSET 0 ROWS FETCH NEXT @p3 ROWS ONLY) p
  LEFT JOIN dbo.actors a ON a.actor = p.actor
  LEFT JOIN dbo.seeds s ON s.actor = p.actor
  ORDER BY p.number
GO
-- @p1 varbinary(32), @p2 varbinary(32), @p3 bigint, @p4 varbinary(32)
SELECT p.actor, a.actor_system, a.actor_type, a.actor_key, 0, '',
  CASE WHEN substring(p.wrapped, 1, 1) <> @p1 OR substring(p.wrapped, 3, 8) <> @p2 THEN p.wrapped END, s.wrapped
  FROM (SELECT * FROM dbo.seeds t WHERE t.actor > @p4
  ORDER BY t.actor OFFSET 0 ROWS FETCH NEXT @p3 ROWS ONLY) p
  LEFT JOIN dbo.actors a ON a.actor = p.actor
  LEFT JOIN dbo.seeds s ON s.actor = p.actor
  ORDER BY p.actor
GO
-- @p1 varbinary(32), @p2 varbinary(32), @p3 binary(32), @p4 varbinary(32)
UPDATE dbo.dedup SET reply = @p1 WHERE reply = @p2 AND actor = @p3 AND request_id = @p4
