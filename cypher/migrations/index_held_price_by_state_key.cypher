CREATE INDEX index_held_price_by_state_key IF NOT EXISTS
FOR (n:HeldPrice) ON (n.state_key)
