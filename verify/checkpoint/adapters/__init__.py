"""Adapters and their bases, read as the one model that they make together."""
