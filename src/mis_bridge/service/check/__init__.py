"""``mis-bridge check``: what is wrong with the configuration, and with the world it leads to.

Nothing is sent, no MIS is asked, and the database is only read. Each module looks at one part and
gives findings: ``unfinished`` (what nobody has filled in), ``authorities`` (their files, and the
way that each wants to be told), ``ways_out`` (channels, outside monitor), ``routes`` (duties,
people and rules that lead to nobody), ``mis`` (each school's adapter, connection and credential),
``calendars``, ``stored`` (what the database knows) and ``against_registers`` (where registers and
calendars differ). ``model`` says what a finding is.
"""
