"""The daemon: ticker, ingest, decide, deliver, health."""
