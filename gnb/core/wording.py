"""Words of messages for people."""


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun, such as "1 text" and "2,000 texts"; if no plural is given, an s makes it."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {plural or noun + 's'}"
