-- @p1 binary(32)
SELECT a.actor_system, a.actor_type, a.actor_key, a.epoch, a.revision, a.tags, a.state_type, a.state, s.wrapped
  FROM dbo.actors a LEFT JOIN dbo.seeds s ON s.actor = a.actor WHERE a.actor = @p1
