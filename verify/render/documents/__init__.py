"""Formats of other tools: model cards, code review, bills of materials, citations."""
