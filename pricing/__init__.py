"""Pure pricing: money, civil time, usage units, dated rate cards, quotes. No I/O, no clock."""
