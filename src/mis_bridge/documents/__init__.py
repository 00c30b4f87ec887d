"""Package data to PDF, CSV and JSON files."""
