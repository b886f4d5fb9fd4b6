"""Helpers of the tests: engines to run against, data to run with."""
