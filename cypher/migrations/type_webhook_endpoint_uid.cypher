CREATE CONSTRAINT type_webhook_endpoint_uid IF NOT EXISTS
FOR (n:WebhookEndpoint) REQUIRE n.uid IS :: STRING
