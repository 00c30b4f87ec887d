"""mis-bridge: watches school registers and tells the right person when a child is missing."""

__all__ = ["__version__"]
__version__ = "0.1.0"
