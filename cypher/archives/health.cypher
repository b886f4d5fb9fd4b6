MATCH (a:Archive)
RETURN count(a) AS archives, coalesce(sum(a.operations), 0) AS operations, collect(a.file) AS files
