"""What a reader meets on a page: its words section by section, without command lines and without what stands behind a fold."""

from html.parser import HTMLParser

HIDDEN = ("code", "style", "svg", "caption", "head", "thead")
"""Commands are copied and not read; the rest is drawn, for machines, for ears, or above every table."""


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.section = "headline"
        self.words: dict[str, int] = {}
        self._hidden: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        own = dict(attrs)
        if tag == "section":
            self.section = own.get("aria-labelledby") or ""
        if tag in HIDDEN or (tag == "a" and own.get("class") == "skip") or (tag == "details" and "open" not in own):
            self._hidden.append(tag)
        elif tag == "summary" and self._hidden == ["details"]:
            self._hidden.append("")

    def handle_endtag(self, tag: str) -> None:
        if self._hidden and self._hidden[-1] == ("" if tag == "summary" else tag):
            self._hidden.pop()

    def handle_data(self, data: str) -> None:
        if not self._hidden or self._hidden[-1] == "":
            count = sum(any(c.isalnum() for c in word) for word in data.split())
            self.words[self.section] = self.words.get(self.section, 0) + count


def words_of(html: str) -> dict[str, int]:
    """Section -> how many of its words are seen without opening anything."""
    reader = _Reader()
    reader.feed(html)
    return reader.words
