MATCH (r:Reservation {override_uid: $uid})
RETURN coalesce(sum(r.override_nano), 0) AS held_nano
