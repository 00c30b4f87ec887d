"""A Local Authority as data: read, checked, compared, begun.

``tables`` is the vocabulary of ``authority.toml``, ``checks`` what no single table can know,
``reading`` makes a ``profile`` of a file, ``comparing`` says how two differ, ``scaffold`` begins a
new one. ``mis_bridge.adapters.authorities`` finds them.
"""
