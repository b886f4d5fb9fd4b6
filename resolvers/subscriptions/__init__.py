"""The root fields that tell what happens, as it happens."""
