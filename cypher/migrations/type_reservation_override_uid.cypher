CREATE CONSTRAINT type_reservation_override_uid IF NOT EXISTS
FOR (n:Reservation) REQUIRE n.override_uid IS :: STRING
