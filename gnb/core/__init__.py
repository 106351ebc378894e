"""What every part shares: records, component base classes, settings, text, the run store. Imports no component."""
