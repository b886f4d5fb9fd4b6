MATCH (f:Fold {uid: $tenant})
RETURN f.folded_seq AS folded_seq, coalesce(f.generation, 0) AS generation, coalesce(f.dropping, false) AS dropping
