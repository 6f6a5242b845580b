"""The main job, offline, in minutes: what `underdraw demo` does.

From the shipped `draw_mnist`: the bound on random test digits, samples and how they are drawn,
reconstructions, nearest training digits, what the window sees. Then a classifier looks for digits
among clutter, a photograph is compressed, and a small DRAW is trained on the shipped digits for
about a minute. All of it is left in a folder whose index.html explains it.
"""

from underdraw.demo.steps import run

__all__ = ["run"]
