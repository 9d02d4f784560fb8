"""A notebook of every result that the library has, made from plain cells."""
