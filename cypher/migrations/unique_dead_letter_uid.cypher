CREATE CONSTRAINT unique_dead_letter_uid IF NOT EXISTS
FOR (n:DeadLetter) REQUIRE n.uid IS UNIQUE
