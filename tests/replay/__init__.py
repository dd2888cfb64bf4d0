"""A venue server on loopback that answers with the recordings, at the venues' own paths."""
