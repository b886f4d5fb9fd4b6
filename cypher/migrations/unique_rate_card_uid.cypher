CREATE CONSTRAINT unique_rate_card_uid IF NOT EXISTS
FOR (n:RateCard) REQUIRE n.uid IS UNIQUE
