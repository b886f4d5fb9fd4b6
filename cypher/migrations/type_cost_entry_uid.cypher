CREATE CONSTRAINT type_cost_entry_uid IF NOT EXISTS
FOR (n:CostEntry) REQUIRE n.uid IS :: STRING
