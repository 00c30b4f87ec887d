"""Package data to PDF, CSV and JSON files."""

from __future__ import annotations

from mis_bridge.documents.render import render

__all__ = ["render"]
