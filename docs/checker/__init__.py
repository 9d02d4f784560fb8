"""The checker: a static page on which a browser runs this library, and the script that assembles it."""
