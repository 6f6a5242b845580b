"""Sheets that say what they show: a title, a head above every column, a name beside every row.

For tables of images, as those of Convolutional DRAW (2016, Figs 1, 2, 6, 7): what a column is made
of stands above it, and several rows can belong together in a block.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from underdraw.plot.pixels import GAP, coloured, enlarge, from_levels, to_levels

PALE, BRIGHT = (200, 200, 200), (240, 240, 240)
SIZE, TITLE = 12, 15  # of letters, pixels
WIDTH = 84  # pixels to which images are enlarged by default
MARGIN = 8
BETWEEN = 5  # a gap between blocks, in gaps

Page = UInt8[np.ndarray, "_ _ 3"]


def fitting(width: int) -> int:
    """The enlargement that brings an image of `width` pixels near `WIDTH`."""
    return max(1, round(WIDTH / width))


def labelled_sheet(
    images: Float[Tensor, "rows columns c h w"],
    title: str,
    heads: Sequence[str],
    names: Sequence[str] = (),
    *,
    block: int = 1,
    pad: int = 2,
    scale: int | None = None,
) -> Image.Image:
    """Rows and columns of images with their names.

    Args:
        images: values in [0, 1]; a tile that is not a number is left empty.
        title: stands above all; may have several lines.
        heads: one for each column; may have several lines.
        names: one for each row; none leaves out their column.
        block: rows that belong together; blocks are set apart.
        pad: width of the gaps, pixels of the sheet.
        scale: every pixel becomes `scale` x `scale`; about 84 pixels a tile if None.

    Raises:
        ValueError: there is nothing to show, or the names do not fit.
    """
    rows, columns = images.shape[:2]
    if not rows * columns:
        raise ValueError("there are no images to show")
    if len(heads) != columns or len(names) not in (0, rows):
        raise ValueError(
            f"{len(heads)} heads and {len(names)} names for {rows} rows of {columns} images"
        )
    scale = fitting(images.shape[-1]) if scale is None else scale
    tiles = coloured(enlarge(to_levels(images.flatten(0, 1)), scale))
    tiles[images.flatten(2).isnan().all(2).flatten().cpu().numpy()] = GAP
    tiles = tiles.reshape(rows, columns, *tiles.shape[1:])
    body = _stacked([_row(line, pad) for line in tiles], [_gap(i, block, pad) for i in range(rows)])
    step = tiles.shape[3] + pad
    page = np.concatenate([_heads(heads, step, body.shape[1]), body])
    if names:
        tops = [_top(i, tiles.shape[2], block, pad) for i in range(rows)]
        left = _names(names, tops, tiles.shape[2], page.shape[0] - body.shape[0], page.shape[0])
        page = np.concatenate([left, page], 1)
    return _titled(page, title)


def side_by_side(
    pictures: Sequence[Image.Image], names: Sequence[str], title: str, pad: int = 16
) -> Image.Image:
    """Pictures beside each other, each under its name.

    Raises:
        ValueError: there are none, or not as many names.
    """
    if not pictures or len(pictures) != len(names):
        raise ValueError(f"{len(names)} names for {len(pictures)} pictures")
    height = max(picture.height for picture in pictures)
    parts: list[Page] = []
    for picture, name in zip(pictures, names, strict=True):
        body = _blank(height, picture.width)
        body[: picture.height] = np.asarray(picture.convert("RGB"))
        parts.append(np.concatenate([_heads([name], picture.width, picture.width), body]))
    tall = max(len(part) for part in parts)
    parts = [np.concatenate([_blank(tall - len(part), part.shape[1]), part]) for part in parts]
    spaced = [piece for part in parts for piece in (part, _blank(tall, pad))][:-1]
    return _titled(np.concatenate(spaced, 1), title)


def _gap(i: int, block: int, pad: int) -> int:
    """The gap below row i."""
    return pad * BETWEEN if (i + 1) % block == 0 and block > 1 else pad


def _top(i: int, height: int, block: int, pad: int) -> int:
    return sum(height + _gap(j, block, pad) for j in range(i))


def _blank(height: int, width: int) -> Page:
    return np.full((height, width, 3), GAP, np.uint8)


def _row(line: UInt8[np.ndarray, "b h w 3"], pad: int) -> Page:
    gap = _blank(line.shape[1], pad)
    return np.concatenate([piece for tile in line for piece in (tile, gap)][:-1], 1)


def _stacked(rows: Sequence[Page], gaps: Sequence[int]) -> Page:
    width = rows[0].shape[1]
    pieces = [
        piece for row, gap in zip(rows, gaps, strict=True) for piece in (row, _blank(gap, width))
    ]
    return np.concatenate(pieces[:-1])


def _heads(heads: Sequence[str], step: int, width: int) -> Page:
    """The line above the columns; `step` from one to the next."""
    lines = max(head.count("\n") for head in heads) + 1
    strip = Image.new("RGB", (width, lines * (SIZE + 3) + 6), (GAP, GAP, GAP))
    draw, font = ImageDraw.Draw(strip), ImageFont.load_default(SIZE)
    for i, head in enumerate(heads):
        at = (i * step + step / 2, strip.height - 4)
        draw.multiline_text(at, head, fill=PALE, font=font, anchor="md", align="center")
    return np.asarray(strip)


def _names(names: Sequence[str], tops: Sequence[int], height: int, above: int, tall: int) -> Page:
    """The column beside the rows, `above` pixels of it beside the heads."""
    font = ImageFont.load_default(SIZE)
    width = max(_width(name, font) for name in names) + MARGIN
    strip = Image.new("RGB", (width, tall), (GAP, GAP, GAP))
    draw = ImageDraw.Draw(strip)
    for name, top in zip(names, tops, strict=True):
        at = (width - MARGIN, above + top + height / 2)
        draw.multiline_text(at, name, fill=PALE, font=font, anchor="rm", align="right")
    return np.asarray(strip)


def _width(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> int:
    box = ImageDraw.Draw(Image.new("RGB", (1, 1))).multiline_textbbox((0, 0), text, font=font)
    return int(box[2] - box[0]) + 1


def _titled(page: Page, title: str) -> Image.Image:
    """The page with a margin all around it and its title."""
    font = ImageFont.load_default(TITLE)
    lines = title.count("\n") + 1
    top = lines * (TITLE + 5) + 2 * MARGIN
    width = max(page.shape[1], _width(title, font)) + 2 * MARGIN
    whole = _blank(top + len(page) + MARGIN, width)
    whole[top : top + len(page), MARGIN : MARGIN + page.shape[1]] = page
    picture = from_levels(whole)
    ImageDraw.Draw(picture).multiline_text((MARGIN, MARGIN), title, fill=BRIGHT, font=font)
    return picture
