"""Whether three related models tell which of them is the middle: the common base of two, or a stage between them."""
