"""One module a trigger: what is true now that a person should know. Pure: no I/O, no clock."""
