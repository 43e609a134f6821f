-- @p1 bigint, @p2 bigint, @p3 varbinary(32), @p4 varbinary(32), @p5 bigint
SELECT committed_ms, actor, request_id FROM dbo.dedup
  WHERE committed_ms <= DATEDIFF_BIG(millisecond, '1970-01-01', SYSUTCDATETIME()) - @p1 AND (committed_ms > @p2 OR committed_ms = @p2 AND actor > @p3 OR committed_ms = @p2 AND actor = @p3 AND request_id > @p4)
  ORDER BY committed_ms, actor, request_id OFFSET 0 ROWS FETCH NEXT @p5 ROWS ONLY
GO
-- @p1 bigint, @p2 bigint, @p3 bigint, @p4 binary(32)
SELECT r.actor, r.request_id FROM
  (SELECT d.actor, d.request_id, d.committed_ms,
  row_number() OVER (PARTITION BY d.actor ORDER BY d.committed_ms DESC,
  d.revision DESC, d.request_id DESC) AS place
  FROM dbo.dedup d WHERE d.actor IN (@p4)) r
  WHERE r.place > @p1 AND r.committed_ms <= DATEDIFF_BIG(millisecond, '1970-01-01', SYSUTCDATETIME()) - @p2
  ORDER BY r.committed_ms, r.place DESC OFFSET 0 ROWS FETCH NEXT @p3 ROWS ONLY
GO
-- @p1 binary(32), @p2 varbinary(32), @p3 binary(32), @p4 varbinary(32)
DELETE FROM dbo.dedup WHERE (actor = @p1 AND request_id = @p2) OR (actor = @p3 AND request_id = @p4)
