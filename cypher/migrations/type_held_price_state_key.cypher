CREATE CONSTRAINT type_held_price_state_key IF NOT EXISTS
FOR (n:HeldPrice) REQUIRE n.state_key IS :: STRING
