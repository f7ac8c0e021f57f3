"""Markdown of the bank as the HTML of a flash card: formulas for MathJax, figures as text that says where it comes from.

Leaves out pictures: the bank has none in its text.
"""

from collections.abc import Sequence
from html import escape
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererProtocol
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from mdit_py_plugins.dollarmath import dollarmath_plugin


def to_html(markdown: str) -> str:
    """The HTML of a text of several paragraphs; empty for an empty text."""
    tokens = _MARKDOWN.parse(markdown)
    for token in tokens:
        _unlink(token.children or [])
    return str(_MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {})).strip()


def to_inline_html(markdown: str) -> str:
    """The HTML of one line, without a paragraph around it."""
    (token,) = _MARKDOWN.parseInline(markdown)
    _unlink(token.children or [])
    return str(_MARKDOWN.renderer.render([token], _MARKDOWN.options, {})).strip()


def _unlink(tokens: list[Token]) -> None:
    """Makes text of every link that leads nowhere outside this program; what it named is shown under the pointer."""
    inside = False
    for token in tokens:
        target = str(token.attrs.get("href", ""))
        if token.type == "link_open" and not target.startswith(("https://", "http://")):
            token.type, token.content = "html_inline", f'<span class="figure" title="{escape(unquote(target))}">'
            inside = True
        elif token.type == "link_close" and inside:
            token.type, token.content = "html_inline", "</span>"
            inside = False


def _inline_math(
    _self: RendererProtocol, tokens: Sequence[Token], index: int, _options: OptionsDict, _env: EnvType
) -> str:
    return f"\\({escape(tokens[index].content, quote=False)}\\)"


def _block_math(
    _self: RendererProtocol, tokens: Sequence[Token], index: int, _options: OptionsDict, _env: EnvType
) -> str:
    return f"<div>\\[{escape(tokens[index].content.strip(), quote=False)}\\]</div>\n"


def _markdown() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table").use(dollarmath_plugin, allow_labels=False)
    markdown.add_render_rule("math_inline", _inline_math)
    markdown.add_render_rule("math_block", _block_math)
    return markdown


_MARKDOWN = _markdown()
