"""The documentation, and the script that writes its API page."""
