"""Metrics: each module judges outputs in one way."""
