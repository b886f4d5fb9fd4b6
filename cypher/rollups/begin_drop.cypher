MATCH (f:Fold {uid: $tenant})
SET f.dropping = true, f.folded_seq = 0, f.generation = coalesce(f.generation, 0) + 1,
  f.first_day = null, f.last_day = null
