CREATE CONSTRAINT type_budget_tenant IF NOT EXISTS
FOR (n:Budget) REQUIRE n.tenant IS :: STRING
