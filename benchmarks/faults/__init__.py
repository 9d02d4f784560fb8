"""Commands that are disturbed while they work, and run again."""
