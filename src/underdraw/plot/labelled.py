"""Sheets that say what they show: a title, a head above every column, a name beside every row.

For tables of images, as those of Convolutional DRAW (2016, Figs 1, 2, 6, 7): what a column is made
of stands above it, and several rows or columns can belong together.
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
BETWEEN = 5  # a gap between blocks or groups, in gaps

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
    group: int = 1,
    pad: int = 2,
    scale: int | None = None,
) -> Image.Image:
    """Rows and columns of images with their names.

    Args:
        images: values in [0, 1]; a tile that is not a number is left empty.
        title: stands above all; may have several lines.
        heads: one for each group of columns; may have several lines.
        names: one for each row; none leaves out their column.
        block: rows that belong together; blocks are set apart.
        group: columns that belong together; groups are set apart, and the last may be short.
        pad: width of the gaps, pixels of the sheet.
        scale: every pixel becomes `scale` x `scale`; about 84 pixels a tile if None.

    Raises:
        ValueError: there is nothing to show, or the names do not fit.
    """
    rows, columns = images.shape[:2]
    if not rows * columns:
        raise ValueError("there are no images to show")
    if len(heads) != -(-columns // group) or len(names) not in (0, rows):
        raise ValueError(
            f"{len(heads)} heads and {len(names)} names for {rows} rows of {columns} images"
        )
    scale = fitting(images.shape[-1]) if scale is None else scale
    tiles = coloured(enlarge(to_levels(images.flatten(0, 1)), scale))
    tiles[images.flatten(2).isnan().all(2).flatten().cpu().numpy()] = GAP
    tiles = tiles.reshape(rows, columns, *tiles.shape[1:])
    down, along = _gaps(rows, block, pad), _gaps(columns, group, pad)
    body = _joined([_joined(list(line), along, 1) for line in tiles], down, 0)
    height, width = tiles.shape[2:4]
    lefts = [sum(along[:i]) + i * width for i in range(columns)]
    groups = [lefts[i : i + group] for i in range(0, columns, group)]
    middles = [(group[0] + group[-1] + width) / 2 for group in groups]
    page = np.concatenate([_heads(heads, middles, body.shape[1]), body])
    if names:
        above = len(page) - len(body)
        middles = [above + sum(down[:i]) + (i + 0.5) * height for i in range(rows)]
        page = np.concatenate([_names(names, middles, len(page)), page], 1)
    return titled(page, title)


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
        parts.append(np.concatenate([_heads([name], [picture.width / 2], picture.width), body]))
    tall = max(len(part) for part in parts)
    parts = [np.concatenate([_blank(tall - len(part), part.shape[1]), part]) for part in parts]
    spaced = [piece for part in parts for piece in (part, _blank(tall, pad))][:-1]
    return titled(np.concatenate(spaced, 1), title)


def _gaps(count: int, together: int, pad: int) -> list[int]:
    """The gap after each of `count` rows or columns."""
    apart = pad * BETWEEN if together > 1 else pad
    return [apart if (i + 1) % together == 0 else pad for i in range(count)]


def _blank(height: int, width: int) -> Page:
    return np.full((height, width, 3), GAP, np.uint8)


def _joined(pieces: Sequence[Page], gaps: Sequence[int], axis: int) -> Page:
    """Pieces below each other (axis 0) or beside each other (1), with these gaps after them."""
    height, width = pieces[0].shape[:2]
    empty = [_blank(*((gap, width) if axis == 0 else (height, gap))) for gap in gaps]
    both = [part for pair in zip(pieces, empty, strict=True) for part in pair]
    return np.concatenate(both[:-1], axis)


def _heads(heads: Sequence[str], middles: Sequence[float], width: int) -> Page:
    """The line above the columns, each head centred on its place."""
    lines = max(head.count("\n") for head in heads) + 1
    strip = Image.new("RGB", (width, lines * (SIZE + 3) + 6), (GAP, GAP, GAP))
    draw, font = ImageDraw.Draw(strip), ImageFont.load_default(SIZE)
    for head, middle in zip(heads, middles, strict=True):
        at = (middle, strip.height - 4)
        draw.multiline_text(at, head, fill=PALE, font=font, anchor="md", align="center")
    return np.asarray(strip)


def _names(names: Sequence[str], middles: Sequence[float], height: int) -> Page:
    """The column beside the rows, each name at the height of its row."""
    font = ImageFont.load_default(SIZE)
    width = max(_width(name, font) for name in names) + MARGIN
    strip = Image.new("RGB", (width, height), (GAP, GAP, GAP))
    draw = ImageDraw.Draw(strip)
    for name, middle in zip(names, middles, strict=True):
        at = (width - MARGIN, middle)
        draw.multiline_text(at, name, fill=PALE, font=font, anchor="rm", align="right")
    return np.asarray(strip)


def _width(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> int:
    box = ImageDraw.Draw(Image.new("RGB", (1, 1))).multiline_textbbox((0, 0), text, font=font)
    return int(box[2] - box[0]) + 1


def titled(page: Page, title: str) -> Image.Image:
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
