"""JSON Schemas, generated from the records."""
