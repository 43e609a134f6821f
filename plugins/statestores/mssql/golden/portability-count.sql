SELECT count(*) FROM dbo.types
GO
SELECT count(*) FROM dbo.meta
GO
SELECT count(*) FROM dbo.actors
GO
SELECT count(*) FROM dbo.seeds
GO
SELECT count(*) FROM dbo.history
GO
SELECT count(*) FROM dbo.dedup
GO
SELECT count(*) FROM dbo.outbox
GO
SELECT count(*) FROM dbo.schedules
