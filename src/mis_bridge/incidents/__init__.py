"""The life of an incident: transition table, reconciliation, protocol, reasons. Pure."""
