"""From a trace back to what a person can do: steps to follow, and a test that fails while the failure is there."""

from retrospec.reproduction.plan import Reproduction, reproduce
from retrospec.reproduction.python_test import python_test

__all__ = ["Reproduction", "python_test", "reproduce"]
