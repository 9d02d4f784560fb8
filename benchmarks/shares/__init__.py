"""How well intervals of shares cover, and what they say of merges made by mergekit."""
