-- @p1 varbinary(32), @p2 varbinary(32), @p3 varbinary(32), @p4 bigint, @p5 varbinary(32)
SELECT p.actor, a.actor_system, a.actor_type, a.actor_key, p.revision, p.state_type,
  CASE WHEN substring(p.state, 1, 1) <> @p1 OR substring(p.state, 3, 8) <> @p2
  OR (s.wrapped IS NOT NULL AND substring(p.state, 2, 1) = @p3)
  THEN p.state END, s.wrapped
  FROM (SELECT * FROM dbo.actors t WHERE t.actor > @p5
  ORDER BY t.actor OFFSET 0 ROWS FETCH NEXT @p4 ROWS ONLY) p
  LEFT JOIN dbo.actors a ON a.actor = p.actor
  LEFT JOIN dbo.seeds s ON s.actor = p.actor
  ORDER BY p.actor
GO
-- @p1 varbinary(32), @p2 varbinary(32), @p3 varbinary(32), @p4 bigint, @p5 varbinary(32), @p6 bigint
SELECT p.actor, p.revision, a.actor_system, a.actor_type, a.actor_key, p.revision, p.state_type,
  CASE WHEN substring(p.state, 1, 1) <> @p1 OR substring(p.state, 3, 8) <> @p2
  OR (s.wrapped IS NOT NULL AND substring(p.state, 2, 1) = @p3)
  THEN p.state END, s.wrapped
  FROM (SELECT * FROM dbo.history t WHERE (t.actor > @p5 OR t.actor = @p5 AND t.revision > @p6)
  ORDER BY t.actor, t.revision OFFSET 0 ROWS FETCH NEXT @p4 ROWS ONLY) p
  LEFT JOIN dbo.actors a ON a.actor = p.actor
  LEFT JOIN dbo.seeds s ON s.actor = p.actor
  ORDER BY p.actor, p.revision
GO
-- @p1 varbinary(32), @p2 varbinary(32), @p3 varbinary(32), @p4 bigint, @p5 varbinary(32), @p6 varbinary(32)
SELECT p.actor, p.request_id, a.actor_system, a.actor_type, a.actor_key, p.revision, p.request_id,
  CASE WHEN substring(p.reply, 1, 1) <> @p1 OR substring(p.reply, 3, 8) <> @p2
  OR (s.wrapped IS NOT NULL AND substring(p.reply, 2, 1) = @p3)
  THEN p.reply END, s.wrapped
  FROM (SELECT * FROM dbo.dedup t WHERE (t.actor > @p5 OR t.actor = @p5 AND t.request_id > @p6)
  ORDER BY t.actor, t.request_id OFFSET 0 ROWS FETCH NEXT @p4 ROWS ONLY) p
  LEFT JOIN dbo.actors a ON a.actor = p.actor
  LEFT JOIN dbo.seeds s ON s.actor = p.actor
  ORDER BY p.actor, p.request_id
GO
-- @p1 varbinary(32), @p2 varbinary(32), @p3 varbinary(32), @p4 bigint, @p5 bigint
SELECT p.number, a.actor_system, a.actor_type, a.actor_key, p.revision, p.message_id,
  CASE WHEN substring(p.body, 1, 1) <> @p1 OR substring(p.body, 3, 8) <> @p2
  OR (s.wrapped IS NOT NULL AND substring(p.body, 2, 1) = @p3)
  THEN p.body END, s.wrapped
  FROM (SELECT * FROM dbo.outbox t WHERE t.number > @p5
  ORDER BY t.number OFFSET 0 ROWS FETCH NEXT @p4 ROWS ONLY) p
  LEFT JOIN dbo.actors a ON a.actor = p.actor
  LEFT JOIN dbo.seeds s ON s.actor = p.actor
  ORDER BY p.number
GO
-- @p1 varbinary(32), @p2 varbinary(32), @p3 varbinary(32), @p4 bigint, @p5 bigint
SELECT p.number, a.actor_system, a.actor_type, a.actor_key, 0, p.name,
  CASE WHEN substring(p.body, 1, 1) <> @p1 OR substring(p.body, 3, 8) <> @p2
  OR (s.wrapped IS NOT NULL AND substring(p.body, 2, 1) = @p3)
  THEN p.body END, s.wrapped
  FROM (SELECT * FROM dbo.schedules t WHERE t.number > @p5
  ORDER BY t.number OFFSET 0 ROWS FETCH NEXT @p4 ROWS ONLY) p
  LEFT JOIN dbo.actors a ON a.actor = p.actor
  LEFT JOIN dbo.seeds s ON s.actor = p.actor
  ORDER BY p.number
GO
-- @p1 varbinary(32), @p2 varbinary(32), @p3 varbinary(32), @p4 bigint, @p5 varbinary(32)
SELECT p.actor, a.actor_system, a.actor_type, a.actor_key, 0, '',
  CASE WHEN substring(p.wrapped, 1, 1) <> @p1 OR substring(p.wrapped, 3, 8) <> @p2
  OR (1 = 0 AND substring(p.wrapped, 2, 1) = @p3)
  THEN p.wrapped END, s.wrapped
  FROM (SELECT * FROM dbo.seeds t WHERE t.actor > @p5
  ORDER BY t.actor OFFSET 0 ROWS FETCH NEXT @p4 ROWS ONLY) p
  LEFT JOIN dbo.actors a ON a.actor = p.actor
  LEFT JOIN dbo.seeds s ON s.actor = p.actor
  ORDER BY p.actor
