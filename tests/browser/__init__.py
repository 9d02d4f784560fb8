"""Pages in a real browser: how they look, and whether everyone can read them. ``python -m tests.browser`` runs it."""
