SELECT spec FROM dbo.types ORDER BY actor_system, actor_type
