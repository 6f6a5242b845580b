"""What every step tells: KL(q_t || p_t) along t, in nats per image.

Their sum is the rate, the part of the bound paid for the latents (DRAW, 2015, Eqs 10-12).
"""

from collections.abc import Mapping

from jaxtyping import Float
from PIL import Image
from torch import Tensor

from underdraw.plot.figures import COLOURS, INK, new_figure, plain, render


def kl_figure(
    kl: Float[Tensor, " steps"] | Mapping[str, Float[Tensor, " steps"]],
) -> Image.Image:
    """KL of each step: bars for one run, named lines for several.

    Args:
        kl: mean KL of every step, nats per image; or several, by the name each is shown under.

    Raises:
        ValueError: there are no steps.
    """
    several = dict(kl) if isinstance(kl, Mapping) else {"": kl}
    if not several or min(len(values) for values in several.values()) == 0:
        raise ValueError("there are no steps to show")
    figure = new_figure(7.2, 3.4)
    axes = figure.add_axes((0.09, 0.17, 0.88, 0.73))
    plain(axes, "step", "KL, nats per image")
    for i, (name, values) in enumerate(several.items()):
        nats = values.detach().double().cpu().numpy()
        t, colour = range(1, len(nats) + 1), COLOURS[i % len(COLOURS)]
        label = f"{name + ': ' if name else ''}{nats.sum():.1f} nats in all"
        if len(several) == 1:
            axes.bar(t, nats, width=0.82, color=colour)
            axes.set_title(label, loc="right", fontsize=10, color=INK)
        else:
            axes.plot(t, nats, color=colour, linewidth=1.8, label=label)
    longest = max(len(values) for values in several.values())
    axes.set_xlim(0.3, longest + 0.7)
    axes.set_ylim(bottom=0)
    if len(several) > 1:
        axes.legend(frameon=False, fontsize=9.5, labelcolor=INK, handlelength=1.2)
    return render(figure)
