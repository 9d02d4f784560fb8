"""How often unrelated fine-tunes of one base are called relatives beyond it, and which relatives are found."""
