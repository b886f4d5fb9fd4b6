CREATE INDEX index_reservation_by_expiry_key IF NOT EXISTS
FOR (n:Reservation) ON (n.expiry_key)
