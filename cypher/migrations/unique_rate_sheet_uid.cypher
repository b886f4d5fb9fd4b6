CREATE CONSTRAINT unique_rate_sheet_uid IF NOT EXISTS
FOR (n:RateSheet) REQUIRE n.uid IS UNIQUE
