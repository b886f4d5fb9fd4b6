UNWIND $rows AS row
MERGE (m:AgreementMonth {uid: row.uid})
SET m += row.properties
