"""The adapter engine: manifest, mapping, paging, auth, the sans-IO pull, the registry."""
