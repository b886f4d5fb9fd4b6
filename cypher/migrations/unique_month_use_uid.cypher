CREATE CONSTRAINT unique_month_use_uid IF NOT EXISTS
FOR (n:MonthUse) REQUIRE n.uid IS UNIQUE
