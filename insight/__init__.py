"""The insight room: what was spent on what, from entries to rollups. Pure: no I/O."""
