"""A school week in which everything breaks and the daemon is killed again and again.

::

    week ──▶ MIS, webhook, mail server, Microsoft 365 (on loopback, with seeded faults)
                 ▲                │
    nursery ─ daemon ─ killed     ▼
                 │            arrivals
                 ▼                │
              database ──────▶ verdict: was everybody told, how late, how often twice
"""
