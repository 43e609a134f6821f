-- @p1 varbinary(32), @p2 varbinary(32)
UPDATE t SET value = v.value
  FROM (VALUES (@p1, @p2)) v (name, value) INNER LOOP JOIN dbo.meta t WITH (UPDLOCK, SERIALIZABLE) ON v.name = t.name;
INSERT INTO dbo.meta (name, value)
SELECT v.name, v.value
  FROM (VALUES (@p1, @p2)) v (name, value)
  WHERE NOT EXISTS (SELECT 1 FROM dbo.meta t WITH (UPDLOCK, SERIALIZABLE) WHERE v.name = t.name);
