import subprocess
import sys

import pytest
from PIL import Image

from underdraw.plot import save
from underdraw.plot.files import beside


def test_saved_picture_comes_back(tmp_path):
    path = save(Image.new("L", (3, 2), 7), tmp_path / "new" / "a.png")
    with Image.open(path) as found:
        assert (found.format, found.size, found.getpixel((0, 0))) == ("PNG", (3, 2), 7)
    assert [p.name for p in path.parent.iterdir()] == ["a.png"]


def test_other_suffixes_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"\.bmp"):
        save(Image.new("L", (3, 2)), tmp_path / "a.bmp")


def half_written(path):
    with beside(path) as aside:
        aside.write_bytes(b"half")
        raise RuntimeError("no more room")


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    with pytest.raises(RuntimeError, match="no more room"):
        half_written(path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_matplotlib_is_imported_late_and_pyplot_never():
    code = (
        "import sys, torch, underdraw.plot as plot; early = 'matplotlib' in sys.modules; "
        "plot.kl_figure(torch.ones(3)); sys.exit(early or 'matplotlib.pyplot' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
