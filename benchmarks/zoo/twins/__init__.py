"""Twins: small models of many recipes, several of each recipe from different seeds, for null distributions."""
