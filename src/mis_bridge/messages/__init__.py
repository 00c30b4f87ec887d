"""Incident to card, mail and package data, and what each channel may disclose. Pure."""
