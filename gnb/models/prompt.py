"""The prompt: the published Persian one by default, any other as a setting."""

from gnb.core.errors import SettingsError

MARKER = "متن بدون بایاس جنسیتی:"
PUBLISHED = f"این متن را بدون بایاس جنسیتی کن و بایاس جنسیتی آن را از بین ببر:\n{{text}}\n________\n{MARKER}\n"
"""The published study's prompt: instruction, text, eight underlines, marker; the answer follows on its own line."""


def split_template(template: str) -> tuple[str, str]:
    """Return what a template puts before and after the text.

    Raises:
        SettingsError: unless `{text}` stands in it exactly once.
    """
    before, found, after = template.partition("{text}")
    if not found or "{text}" in after:
        raise SettingsError(f"The prompt template must hold {{text}} exactly once: {template!r}.")
    return before, after
