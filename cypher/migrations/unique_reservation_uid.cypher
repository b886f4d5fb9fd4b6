CREATE CONSTRAINT unique_reservation_uid IF NOT EXISTS
FOR (n:Reservation) REQUIRE n.uid IS UNIQUE
