"""The root fields that read."""
