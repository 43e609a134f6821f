-- @p1 binary(32), @p2 bigint, @p3 bigint, @p4 bigint, @p5 bigint, @p6 bigint
SELECT h.revision, h.committed_ms, h.tags, h.action, h.state_type, h.state FROM dbo.history h
  WHERE h.actor = @p1 AND h.revision BETWEEN @p2 AND @p3 AND h.committed_ms BETWEEN @p4 AND @p5
  ORDER BY h.revision DESC OFFSET 0 ROWS FETCH NEXT @p6 ROWS ONLY
