CREATE CONSTRAINT type_charge_path_tenant IF NOT EXISTS
FOR (n:ChargePath) REQUIRE n.tenant IS :: STRING
