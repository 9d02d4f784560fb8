"""Adapters that PEFT trained and merged, looked for in models that descend from their base."""
