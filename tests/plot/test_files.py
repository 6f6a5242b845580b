import subprocess
import sys

import pytest
from PIL import Image

from underdraw.plot import save


def test_saved_picture_comes_back(tmp_path):
    path = save(Image.new("L", (3, 2), 7), tmp_path / "new" / "a.png")
    with Image.open(path) as found:
        assert (found.format, found.size, found.getpixel((0, 0))) == ("PNG", (3, 2), 7)
    assert [p.name for p in path.parent.iterdir()] == ["a.png"]


def test_other_suffixes_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"\.bmp"):
        save(Image.new("L", (3, 2)), tmp_path / "a.bmp")


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = save(Image.new("L", (3, 2), 7), tmp_path / "a.png")
    before = path.read_bytes()

    def broken(self, place, **options):
        place.write_bytes(b"half")
        raise OSError("no more room")

    monkeypatch.setattr(Image.Image, "save", broken)
    with pytest.raises(OSError, match="no more room"):
        save(Image.new("L", (3, 2)), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_matplotlib_is_imported_late_and_pyplot_never():
    code = (
        "import sys, torch, underdraw.plot as plot; early = 'matplotlib' in sys.modules; "
        "plot.kl_figure(torch.ones(3)); sys.exit(early or 'matplotlib.pyplot' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
