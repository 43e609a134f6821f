-- @p1 binary(32)
SELECT s.number, s.name, s.due_ms, s.repetition, s.action, s.body,
  a.actor_system, a.actor_type, a.actor_key
  FROM dbo.schedules s JOIN dbo.actors a ON a.actor = s.actor WHERE s.actor = @p1 ORDER BY s.name
