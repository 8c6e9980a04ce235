"""RetroSpec: a web reliability appliance."""

__version__ = "0.1.0"
