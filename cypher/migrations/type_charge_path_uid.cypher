CREATE CONSTRAINT type_charge_path_uid IF NOT EXISTS
FOR (n:ChargePath) REQUIRE n.uid IS :: STRING
