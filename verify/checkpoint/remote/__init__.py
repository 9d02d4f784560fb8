"""Checkpoints that lie elsewhere: the Hub, web servers, object stores; only the ranges asked for are fetched."""

from .address import find_address
from .hub import find_on_hub

__all__ = ["find_address", "find_on_hub"]
