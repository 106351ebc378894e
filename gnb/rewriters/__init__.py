"""Rewriters: each module makes text neutral in one way."""
