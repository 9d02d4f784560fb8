"""Pages in a real browser: how they look, who can read them, and what they compute; each file tells how to run it."""
