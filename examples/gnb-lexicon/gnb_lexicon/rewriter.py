"""A rewriter that swaps the masculine generics of Persian for neutral words, and leaves everything else alone."""

import re
from collections.abc import Iterable, Iterator

from pydantic import Field

from gnb.core.components import Record, Rewriter
from gnb.core.options import Options
from gnb.core.records import Rewrite

LEXICON = {
    "دولتمردان": "مقامات",
    "دولتمرد": "مقام",
    "سیاستمردان": "سیاست‌مداران",
    "مردان سیاست": "اهل سیاست",
    "مرد عمل": "اهل عمل",
    "قول مردانه": "قول محکم",
    "مردانه قول": "محکم قول",
    "نیروی مردانه": "نیروی کار",
    "جوانمردانه": "منصفانه",
    "جوانمردی": "انصاف",
    "ناجوانمردانه": "بی‌رحمانه",
    "ناجوانمردی": "بی‌انصافی",
    "نامردی": "بی‌معرفتی",
    "نامرد": "بی‌معرفت",
    "پسربچه‌ها": "بچه‌ها",
    "دختربچه‌ها": "بچه‌ها",
    "خانم دکتر": "دکتر",
    "خانم مهندس": "مهندس",
    "خانم وکیل": "وکیل",
}
"""Masculine generics and needless markings, each with the neutral word of the annotation guideline."""


class LexiconOptions(Options):
    """Options of `lexicon`."""

    extra: dict[str, str] = Field(default_factory=dict)
    """Further words or phrases, each with its neutral form; they go before the built-in ones."""


class LexiconRewriter(Rewriter):
    """Swaps whole words and phrases of a lexicon for their neutral forms."""

    options_model = LexiconOptions

    def __init__(self, options: LexiconOptions) -> None:
        super().__init__(options)
        self.lexicon = LEXICON | options.extra
        # The longest first, so that a phrase wins over a word in it.
        words = sorted(map(re.escape, self.lexicon), key=len, reverse=True)
        # A half-space belongs to the word: «نامرد‌ها» is another word than «نامرد».
        self.pattern = re.compile(rf"(?<![\w\u200c])(?:{'|'.join(words)})(?![\w\u200c])")

    def fingerprint(self) -> Record:
        """Return the whole lexicon: any change to it could change an output."""
        return {"rewriter": "lexicon", "lexicon": self.lexicon}

    def rewrite(self, texts: Iterable[str]) -> Iterator[Rewrite]:
        """Yield each text with the words swapped."""
        for text in texts:
            yield Rewrite(self.pattern.sub(lambda match: self.lexicon[match[0]], text))
