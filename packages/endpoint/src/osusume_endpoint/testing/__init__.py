"""Helpers for the tests of whoever uses the endpoint: one that runs, and what stands in for a service."""
