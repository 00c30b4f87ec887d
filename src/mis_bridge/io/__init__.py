"""The edges: HTTP, retries, clock, secrets, logs, the service manager."""
