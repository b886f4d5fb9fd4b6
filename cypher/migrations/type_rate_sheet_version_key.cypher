CREATE CONSTRAINT type_rate_sheet_version_key IF NOT EXISTS
FOR (n:RateSheet) REQUIRE n.version_key IS :: STRING
