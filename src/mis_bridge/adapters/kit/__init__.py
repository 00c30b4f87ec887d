"""The conformance kit: the same cases for every adapter, on the command line and in tests."""
