MATCH (f:Fold {uid: $tenant})
SET f.locked = true
WITH f
SET f.begun = coalesce(f.begun, 0) + 1
RETURN f.begun AS begun
