SELECT CAST(SERVERPROPERTY('ProductVersion') AS varchar(128)),
  CAST(SERVERPROPERTY('Edition') AS varchar(128)), CAST(SERVERPROPERTY('EngineEdition') AS int),
  d.delayed_durability_desc, CAST(d.is_read_only AS int), DATEDIFF_BIG(millisecond, '1970-01-01', SYSUTCDATETIME())
  FROM sys.databases d WHERE d.database_id = DB_ID();
GO
SELECT t.name, 'column', c.name, y.name, c.max_length, c.collation_name,
  CAST(c.is_identity AS int), CAST(c.is_nullable AS int)
  FROM sys.tables t
  JOIN sys.columns c ON c.object_id = t.object_id
  JOIN sys.types y ON y.user_type_id = c.user_type_id
  WHERE t.schema_id = SCHEMA_ID('dbo');
SELECT t.name, 'index', i.name, c.name, k.key_ordinal, i.filter_definition,
  CAST(i.is_unique AS int), NULL
  FROM sys.tables t
  JOIN sys.indexes i ON i.object_id = t.object_id
  JOIN sys.index_columns k ON k.object_id = i.object_id AND k.index_id = i.index_id
  JOIN sys.columns c ON c.object_id = k.object_id AND c.column_id = k.column_id
  WHERE t.schema_id = SCHEMA_ID('dbo')
  ORDER BY t.name, i.name, k.key_ordinal;
