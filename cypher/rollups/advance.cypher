MATCH (f:Fold {uid: $tenant})
SET f.locked = true
WITH f
WHERE f.folded_seq = $after_seq AND coalesce(f.generation, 0) = $generation AND NOT coalesce(f.dropping, false)
  AND f.begun = $begun AND coalesce(f.ended, 0) < $begun
SET f.folded_seq = $folded_seq, f.first_day = $first_day, f.last_day = $last_day
RETURN f.folded_seq AS folded_seq
