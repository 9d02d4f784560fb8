"""Forgeries."""
FORGERIES = {}
