"""Tests of the evolution room."""
