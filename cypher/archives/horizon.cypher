MATCH (r:Retention {uid: $tenant})
RETURN r.horizon_us AS horizon_us
