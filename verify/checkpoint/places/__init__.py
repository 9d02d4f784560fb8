"""Where files lie: disks, the Hub, web servers, object stores; of remote files only the ranges asked for are fetched."""
