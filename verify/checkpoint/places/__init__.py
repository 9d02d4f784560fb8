"""Where files lie: disks, the Hub, web servers and object stores; only the ranges needed are fetched."""

from ...base.lazy import lazily

with lazily(__name__):
    from .address import find_address
    from .hub import find_on_hub

__all__ = ["find_address", "find_on_hub"]
