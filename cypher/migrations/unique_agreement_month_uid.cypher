CREATE CONSTRAINT unique_agreement_month_uid IF NOT EXISTS
FOR (n:AgreementMonth) REQUIRE n.uid IS UNIQUE
