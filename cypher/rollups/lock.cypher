MATCH (f:Fold {uid: $tenant})
SET f.locked = true
