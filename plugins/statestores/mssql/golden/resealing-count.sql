SELECT substring(p.state, 1, 1), substring(p.state, 3, 8), count(*) FROM dbo.actors p WHERE p.state IS NOT NULL
  GROUP BY substring(p.state, 1, 1), substring(p.state, 3, 8)
GO
SELECT substring(p.state, 1, 1), substring(p.state, 3, 8), count(*) FROM dbo.history p WHERE p.state IS NOT NULL
  GROUP BY substring(p.state, 1, 1), substring(p.state, 3, 8)
GO
SELECT substring(p.reply, 1, 1), substring(p.reply, 3, 8), count(*) FROM dbo.dedup p WHERE p.reply IS NOT NULL
  GROUP BY substring(p.reply, 1, 1), substring(p.reply, 3, 8)
GO
SELECT substring(p.body, 1, 1), substring(p.body, 3, 8), count(*) FROM dbo.outbox p WHERE p.body IS NOT NULL
  GROUP BY substring(p.body, 1, 1), substring(p.body, 3, 8)
GO
SELECT substring(p.body, 1, 1), substring(p.body, 3, 8), count(*) FROM dbo.schedules p WHERE p.body IS NOT NULL
  GROUP BY substring(p.body, 1, 1), substring(p.body, 3, 8)
GO
SELECT substring(p.wrapped, 1, 1), substring(p.wrapped, 3, 8), count(*) FROM dbo.seeds p WHERE p.wrapped IS NOT NULL
  GROUP BY substring(p.wrapped, 1, 1), substring(p.wrapped, 3, 8)
