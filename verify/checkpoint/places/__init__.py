"""Where files lie: disks, the Hub, web servers and object stores; only the ranges needed are fetched."""
