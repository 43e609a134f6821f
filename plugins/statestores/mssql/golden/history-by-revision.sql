-- @p1 binary(32), @p2 bigint
SELECT h.revision, h.committed_ms, h.tags, h.action, h.state_type, h.state FROM dbo.history h WHERE h.actor = @p1 AND h.revision = @p2
