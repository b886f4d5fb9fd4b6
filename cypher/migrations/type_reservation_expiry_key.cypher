CREATE CONSTRAINT type_reservation_expiry_key IF NOT EXISTS
FOR (n:Reservation) REQUIRE n.expiry_key IS :: STRING
