"""Archives of raw usage: their rows, their files, and the worker that writes them."""
