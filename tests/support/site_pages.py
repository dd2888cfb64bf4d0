"""Pages of a site as trees: links, anchors, scripts and text, for tests."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from posixpath import dirname, join, normpath

VOID = {"meta", "br", "hr", "img", "link", "input"}


@dataclass
class PageTree(HTMLParser):
    """Page as parsed: ids, links, scripts, and whether every tag closes in order."""

    ids: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    tags: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    scripts: list[str] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Prepares the parser."""
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Opens a tag."""
        attributes = {name: value or "" for name, value in attrs}
        assert len(attributes) == len(attrs), (tag, attrs)
        self.tags.append((tag, attributes))
        self.ids += [attributes["id"]] if "id" in attributes else []
        self.links += [attributes["href"]] if "href" in attributes else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Records a tag without content."""
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        """Closes the tag that was opened last."""
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Records text, or the source of a script."""
        (self.scripts if "script" in self.open else self.text).append(data)


def read_page(content: bytes) -> PageTree:
    """Parses a page; every tag must close in order."""
    tree = PageTree()
    tree.feed(content.decode())
    tree.close()
    assert tree.open == []
    return tree


def broken_links(files: Mapping[str, bytes]) -> list[str]:
    """Returns the links of all pages to a file or an anchor that does not exist."""
    trees = {path: read_page(content) for path, content in files.items() if path.endswith(".html")}
    broken = []
    for path, tree in trees.items():
        for address in tree.links:
            if address.startswith("https://"):
                continue
            name, _, anchor = address.partition("#")
            target = normpath(join(dirname(path), name)) if name else path
            known = target in files
            if not known or (anchor and anchor not in trees[target].ids):
                broken.append(f"{path}: {address}")
    return broken
