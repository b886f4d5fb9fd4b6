CREATE CONSTRAINT type_agreement_month_due_key IF NOT EXISTS
FOR (n:AgreementMonth) REQUIRE n.due_key IS :: STRING
