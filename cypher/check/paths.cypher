MATCH (p:ChargePath)
WHERE p.tenant = $tenant
RETURN p.uid AS uid, p.chain AS chain, p.scoped AS scoped
