"""The pricing room."""
