"""Synthetic schools, scenarios with known truth, stand-ins for MIS, webhook and mail server."""
