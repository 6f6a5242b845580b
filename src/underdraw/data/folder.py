"""Any folder of images.

Pictures are sought in all subfolders and sorted by path. Where there is a subfolder `train`, the
subfolders train, valid (or validation, val, dev) and test are the splits; otherwise one
picture of every 20 validates and one tests (see `splits`).

The files are read here and not through the imagefolder of Hugging Face `datasets`, which sorts
pictures into splits by words in their names (of a.png and dev_b.png it keeps only the second)
and first writes a table of them. Here every picture counts, is turned upright by its EXIF
orientation as any other, and a damaged one is named by its file. What does not fit in
`DataConfig.memory` is read from the files on demand, so a folder needs no streaming.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Integer, UInt8

from underdraw.data.config import DataConfig
from underdraw.data.crops import cropped
from underdraw.data.errors import DataError
from underdraw.data.images import Images, View
from underdraw.data.picture import fit, read_picture, to_levels
from underdraw.data.records import Decoded, gather
from underdraw.data.splits import share, split_named

ENDINGS = (
    ".png",
    ".jpg",
    ".jpeg",
    ".webp",
    ".bmp",
    ".gif",
    ".tif",
    ".tiff",
    ".ppm",
    ".pgm",
    ".avif",
)
EVERY = 20


class Files:
    """Pictures in files."""

    def __init__(self, paths: list[Path]) -> None:
        """Read `paths`."""
        self.paths = paths

    def __len__(self) -> int:
        """Number of files."""
        return len(self.paths)

    def fetch(self, index: Integer[np.ndarray, "b"]) -> list[Path]:
        """The files at index."""
        return [self.paths[i] for i in index]

    def where(self, i: int) -> str:
        """Name a file."""
        return str(self.paths[i])


def pictures(folder: Path) -> list[Path]:
    """All image files below a folder, sorted; hidden ones are left out."""
    found = [f for f in folder.rglob("*") if f.suffix.lower() in ENDINGS and f.is_file()]
    inside = [(f.relative_to(folder).as_posix(), f) for f in found]
    return [f for name, f in sorted(inside) if not any(p[0] == "." for p in name.split("/"))]


def stored_splits(folder: Path) -> dict[str, list[Path]]:
    """The files of every split that a folder keeps apart."""
    if not (folder / "train").is_dir():
        return {"train": pictures(folder)}
    named = [(split_named(f.name), f) for f in sorted(folder.iterdir()) if f.is_dir()]
    return {split: pictures(f) for split, f in named if split}


def open_folder(config: DataConfig, split: str, root: Path | None) -> Images:
    """The images of "folder:PATH"; root does not matter."""
    folder = Path(config.name.removeprefix("folder:"))
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder")
    stored = {split: files for split, files in stored_splits(folder).items() if files}
    if not stored:
        raise DataError(f"{folder} has no images ({' '.join(ENDINGS)})")
    part = share(set(stored), split, EVERY, str(folder))
    files = stored[part.stored]
    chosen = part.of(len(files))
    if not len(chosen):
        raise DataError(f"{folder} has too few images ({len(files)}) for a {split} split")

    def decode(path: Path) -> UInt8[np.ndarray, "c h w"]:
        image = read_picture(path, config.grey)
        return fit(image, config.size, config.size) if config.size else to_levels(image)

    decoded = Decoded(f"folder:{folder.name}/{split}", Files(files), decode, chosen)
    levels = cropped(gather(decoded, config.memory), config, split)
    return View(levels, config.binarize, config.seed)
