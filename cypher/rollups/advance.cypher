MATCH (f:Fold {uid: $tenant})
SET f.folded_seq = $folded_seq, f.first_day = $first_day, f.last_day = $last_day
