MATCH (f:Fold {uid: $tenant})
SET f.dropping = false
