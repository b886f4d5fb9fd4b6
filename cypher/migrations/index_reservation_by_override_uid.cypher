CREATE INDEX index_reservation_by_override_uid IF NOT EXISTS
FOR (n:Reservation) ON (n.override_uid)
