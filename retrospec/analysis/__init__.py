"""Stage 1: the story of a session, every sentence cited."""

from retrospec.analysis.stage import Analysis, analyse

__all__ = ["Analysis", "analyse"]
