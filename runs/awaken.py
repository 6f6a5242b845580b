"""Begin the latent maps anew that a Convolutional DRAW does not use.

    python runs/awaken.py RUN --run DIR [--data DIR]

A latent that is kept at its prior's mean has no gradient, so that maps which went quiet while the
rate was dear stay so when it is cheap again. The model of the folder RUN goes to the folder DIR
with all weights to and from such maps as they were before training: of the posterior's and the
prior's heads, and of what the decoder reads. Training goes on from there (`runs/convdraw.py
--initial DIR`), with the parts of RUN told in the results.
"""

from pathlib import Path

import torch
from torch import Tensor

import parts
from exact import levels
from underdraw import checkpoint
from underdraw.configs import from_json
from underdraw.data import DataConfig
from underdraw.files import write_json
from underdraw.latent import Given, cell, from_cell
from underdraw.models.convdraw import ConvDRAW
from underdraw.models.convdraw.layer import Layer
from underdraw.nn.conv import ConstantScaleHead

QUIET = 0.05
"""Nats to a latent below which a map is not used; noise alone costs half of it."""


@torch.no_grad()
def most_told(model: ConvDRAW, images: Tensor) -> list[Tensor]:
    """The most that maps tell in any step, nats to a latent by cells, (latent,) for each layer."""
    x = (images + 0.5) / 256
    noise = model.noise(len(x), torch.Generator().manual_seed(0), size=tuple(x.shape[2:]))
    most = [torch.zeros(latent) for latent in model.config.latent]
    for choice in model.unroll(Given(from_cell, noise), x).choices:
        nats = cell(choice).mean((0, 2, 3))
        most[choice.site.layer] = torch.maximum(most[choice.site.layer], nats)
    return most


def awakened(model: ConvDRAW, images: Tensor) -> list[int]:
    """Begin the quiet maps of `model` anew; how many of each layer, where there are any."""
    torch.manual_seed(0)
    fresh, counts = ConvDRAW(model.config), []
    for layer, new, nats in zip(model.tower, fresh.tower, most_told(model, images), strict=True):
        maps = (nats < QUIET).nonzero().flatten()
        awaken(layer, new, maps)
        counts.append(len(maps))
    return counts


@torch.no_grad()
def awaken(layer: Layer, fresh: Layer, maps: Tensor) -> None:
    """Begin these maps of `layer`, indices, with the weights of `fresh`."""
    latent = layer.to_p.affine.weight.shape[0] // 2
    for rows, part in ((maps, "to_q"), (torch.cat([maps, maps + latent]), "to_p")):
        ours, new = (getattr(one, part).affine for one in (layer, fresh))
        ours.weight[rows], ours.bias[rows] = new.weight[rows], new.bias[rows]
    assert isinstance(layer.to_q, ConstantScaleHead)
    layer.to_q.log_variance[:, maps] = 0.0
    reads = layer.rnn_dec
    reads.weight.copy_(reads.filters())
    reads.weight[:, maps] = fresh.rnn_dec.weight[:, maps]
    if reads.length is not None:
        reads.length.copy_(reads.weight.flatten(1).norm(dim=1))


def main(begun: Path, run: Path, data: Path | None = None, images: int = 64) -> None:
    """Write the folder.

    Args:
        begun: folder of the run to go on from.
        run: the folder.
        data: local mirror of the data; None asks the hub.
        images: of the training split, to see which maps tell something.

    Raises:
        SystemExit: there is such a folder.
    """
    if run.exists():
        raise SystemExit(f"{run} exists")
    about, model = checkpoint.describe(begun), checkpoint.load(begun)
    assert isinstance(model, ConvDRAW)
    found = levels(from_json(DataConfig, about["data"]), "train", data, images)
    counts = awakened(model, found)
    told = {**parts.efforts(begun), "log": parts.validations(begun)}
    checkpoint.save(model, run)
    write_json(run / parts.TOLD, told)
    print(f"{run}: {counts} maps of {list(model.config.latent)} begun anew")


if __name__ == "__main__":
    import tyro

    tyro.cli(main, config=(tyro.conf.PositionalRequiredArgs,))
