SELECT id, node_name, boot_id, address, state, expires_ms - DATEDIFF_BIG(millisecond, '1970-01-01', SYSUTCDATETIME())
  FROM dbo.sessions ORDER BY id
