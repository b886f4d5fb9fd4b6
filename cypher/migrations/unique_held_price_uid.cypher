CREATE CONSTRAINT unique_held_price_uid IF NOT EXISTS
FOR (n:HeldPrice) REQUIRE n.uid IS UNIQUE
