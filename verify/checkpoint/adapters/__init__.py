"""Adapters merged with their bases as they are read."""
