"""Pictures: sheets of images, canvases with attention windows, animations, figures and charts.

Everything here reads the public interface of a model (`Trace.frames`, `Frame.canvas`, `.read` and
`.write`, `model.likelihood(canvas).mean`) and returns a PIL image, which `save` writes; `animate`
writes its file itself.

    Fig. 1, 7, 10    `sequence_sheet`, `canvas_strip`, `animate`
    Fig. 3, 4        `zoom_figure`
    Fig. 5           `glimpse_sheet`, `animate_glimpses`, of a classifier's looks
    Fig. 6, 9, 12    `sheet`, `nearest_sheet`
    Fig. 11          `curves`
"""

from underdraw.plot.animation import animate
from underdraw.plot.charts import curves
from underdraw.plot.files import save
from underdraw.plot.glimpses import animate_glimpses, glimpse_sheet
from underdraw.plot.labelled import labelled_sheet, side_by_side
from underdraw.plot.neighbours import nearest
from underdraw.plot.pixels import to_image, to_images
from underdraw.plot.rates import kl_figure
from underdraw.plot.sequence import canvas_strip, sequence_sheet
from underdraw.plot.sheets import nearest_sheet, reconstructions, sheet
from underdraw.plot.zoom import look, settings, zoom_figure

__all__ = [
    "animate",
    "animate_glimpses",
    "canvas_strip",
    "curves",
    "glimpse_sheet",
    "kl_figure",
    "labelled_sheet",
    "look",
    "nearest",
    "nearest_sheet",
    "reconstructions",
    "save",
    "sequence_sheet",
    "settings",
    "sheet",
    "side_by_side",
    "to_image",
    "to_images",
    "zoom_figure",
]
