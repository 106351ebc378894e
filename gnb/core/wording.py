"""Words of messages for people."""


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, such as "1 text" and "2,000 texts"; the noun's plural is made by an s."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
