"""A venue server on loopback that serves the recordings at the venues' own paths."""
