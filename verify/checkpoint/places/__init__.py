"""Where files lie: disks, the Hub, web servers and object stores, of which only the ranges asked for are fetched."""
