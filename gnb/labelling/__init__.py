"""Labelling by people: texts go out to the tools that annotators use, their votes come back as examples."""
