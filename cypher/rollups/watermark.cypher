MATCH (f:Fold {uid: $tenant})
RETURN f.folded_seq AS folded_seq, coalesce(f.generation, 0) AS generation, coalesce(f.dropping, false) AS dropping,
  f.first_day AS first_day, f.last_day AS last_day, coalesce(f.begun, 0) AS begun
