"""Benchmarks of a checkout: ``python -m bench.sdk`` measures the browser SDK."""
