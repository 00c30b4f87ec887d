"""Codes, academic calendar, strips, day sheets and absence measures. Pure: no I/O, no clock."""
