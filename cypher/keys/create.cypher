CREATE (k:ApiKey {uid: $uid})
SET k.tenant = $tenant, k.key_id = $key_id, k.name = $name, k.hash = $hash, k.role = $role,
  k.budget_uid = $budget_uid, k.created_at_us = $created_at_us
RETURN k.uid AS uid, k.tenant AS tenant, k.key_id AS key_id, k.name AS name, k.role AS role,
  k.budget_uid AS budget_uid, k.created_at_us AS created_at_us, k.revoked_at_us AS revoked_at_us
