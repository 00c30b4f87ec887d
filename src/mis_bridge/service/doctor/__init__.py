"""``mis-bridge doctor``: how the whole installation is, looked at from outside the daemon.

It runs beside the daemon and only reads. Each module looks at one part and gives lines:
``machine`` (clock, time zones, disk, systemd, metrics), ``database``, ``work`` (feeds, messages,
incidents, the auditor's last look) and ``ways_out`` (channels, outside monitor).
"""
