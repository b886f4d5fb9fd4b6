"""One batch loader per module: many keys in, answers in the order of the keys, one query."""
