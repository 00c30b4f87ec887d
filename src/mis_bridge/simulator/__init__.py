"""Synthetic schools, scenarios with known truth, stand-ins for a MIS, a webhook and a mail server."""
