CREATE CONSTRAINT type_notice_due_key IF NOT EXISTS
FOR (n:Notice) REQUIRE n.due_key IS :: STRING
