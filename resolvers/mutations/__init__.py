"""The root fields that change something."""
