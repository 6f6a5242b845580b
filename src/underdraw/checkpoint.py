"""Models as folders: model.safetensors, config.json and a card (README.md).

No pickle is ever read. Before a tensor is loaded the file's header must agree with the config, so
a hostile or truncated file is refused with its reason and nothing is allocated on its word.
"""

import json
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from underdraw.classifier import Classifier
from underdraw.configs import from_json, to_json
from underdraw.files import aside, write_json, write_text
from underdraw.latent import LatentModel
from underdraw.models import MODELS, build

WEIGHTS, CONFIG, CARD = "model.safetensors", "config.json", "README.md"
FORMAT = 1
MAX_CONFIG = 1 << 20  # bytes
FLOATS = ("F32", "F16")  # of weights, by the names of safetensors
HUB = "hub:"


class CheckpointError(ValueError):
    """A model that cannot be loaded, with the file and the reason.

    Attributes:
        unknown: the name, if no model has it.
    """

    unknown: str | None = None


def shipped() -> dict[str, Path]:
    """The models that come with the package, by name."""
    root = Path(str(resources.files("underdraw"))) / "zoo"
    return {path.parent.name: path.parent for path in sorted(root.glob(f"*/{CONFIG}"))}


def locate(name: str | Path) -> Path:
    """The folder of a shipped model, of a run, or of "hub:owner/name" (downloaded).

    A `Path` is always a folder: "draw_mnist" ships, "./draw_mnist" and Path("draw_mnist") do not.

    Raises:
        CheckpointError: there is no such model.
    """
    known = shipped()
    if isinstance(name, str) and name in known:
        return known[name]
    if isinstance(name, str) and name.startswith(HUB):
        return pull(name.removeprefix(HUB))
    folder = Path(name)
    if not (folder / CONFIG).is_file():
        names = ", ".join(known) or "none"
        error = CheckpointError(
            f"no model {str(name)!r}: not shipped ({names}), no {folder / CONFIG}"
        )
        error.unknown = str(name)
        raise error
    return folder


def read_config(path: Path, refusal: type[ValueError]) -> Any:  # noqa: ANN401
    """The JSON of a model's config; `refusal`, which is raised, if it is too large or damaged."""
    try:
        if path.stat().st_size > MAX_CONFIG:
            raise refusal(f"{path} is larger than a config can be")
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise refusal(f"{path} cannot be read: {error}") from error


def describe(name: str | Path) -> dict[str, Any]:
    """The config.json of a model: format, model, config, and what else was saved with it.

    Raises:
        CheckpointError: there is no such model, or the file is not of this format.
    """
    return _describe(locate(name))


def _describe(folder: Path) -> dict[str, Any]:
    path = folder / CONFIG
    values = read_config(path, CheckpointError)
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        raise CheckpointError(f"{path} is not of format {FORMAT}")
    for part in ("config", "data", "train", "trained", "measured"):
        if not isinstance(values.get(part, {}), dict):
            raise CheckpointError(f"{path}: {part} is no object but {values[part]!r}")
    if not isinstance(values.get("model"), str) or values["model"] not in MODELS:
        raise CheckpointError(f"{path} names the unknown model {values.get('model')!r}")
    return values


def load(name: str | Path, device: str | torch.device = "cpu") -> Any:  # noqa: ANN401
    """A `LatentModel` or `Classifier` with its weights, in evaluation mode.

    Args:
        name: a shipped name ("draw_mnist"), a folder (of a run, say), or "hub:owner/name".
        device: where to put it.

    Raises:
        CheckpointError: there is no such model, or its files are damaged or do not fit.
    """
    folder = locate(name)
    values = _describe(folder)
    try:
        config = from_json(MODELS[values["model"]][0], values.get("config"))
        with torch.device("meta"):
            model = build(config)
    except (ValueError, RuntimeError, OverflowError, TypeError) as error:
        raise CheckpointError(f"{folder / CONFIG}: {error}") from error
    shapes = {key: tuple(value.shape) for key, value in model.state_dict().items()}
    model.load_state_dict(read_tensors(folder / WEIGHTS, shapes, device), assign=True)
    return model.eval()


def load_latent(name: str | Path, device: str | torch.device = "cpu") -> LatentModel[Any]:
    """A latent variable model; see `load`.

    Raises:
        CheckpointError: also, it is a classifier.
    """
    return _of_kind(name, load(name, device), LatentModel, "draws no images: it is a classifier")


def load_classifier(name: str | Path, device: str | torch.device = "cpu") -> Classifier[Any]:
    """A classifier; see `load`.

    Raises:
        CheckpointError: also, it is none.
    """
    return _of_kind(name, load(name, device), Classifier, "is no classifier")


def _of_kind(name: str | Path, model: Any, kind: type[Any], reason: str) -> Any:  # noqa: ANN401
    if not isinstance(model, kind):
        raise CheckpointError(f"{name} ({type(model).__name__}) {reason}")
    return model


def read_tensors(
    path: Path,
    shapes: Mapping[str, tuple[int, ...]],
    device: str | torch.device = "cpu",
) -> dict[str, torch.Tensor]:
    """The tensors of a safetensors file, which must have exactly these names and shapes.

    They are float32, or float16 to take half the space, and float32 once they are read.

    Raises:
        CheckpointError: the file is missing, damaged, or holds something else.
    """
    try:
        with safe_open(path, "pt", device=str(device)) as file:
            slices = {key: file.get_slice(key) for key in file.keys()}  # noqa: SIM118
            _check(path, slices, shapes)
            tensors = {key: file.get_tensor(key) for key in shapes}
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path} cannot be read: {error}") from error
    for key, tensor in tensors.items():
        if not tensor.isfinite().all():
            raise CheckpointError(f"{path}: {key} holds a value that is not finite")
    return {key: tensor.float() for key, tensor in tensors.items()}


def _check(path: Path, slices: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]]) -> None:
    if odd := sorted(set(slices) ^ set(shapes)):
        word = "has an unknown" if odd[0] in slices else "lacks the"
        raise CheckpointError(f"{path} {word} tensor {odd[0]!r}")
    for key, shape in shapes.items():
        found, kind = tuple(slices[key].get_shape()), slices[key].get_dtype()
        if kind not in FLOATS or found != shape:
            wanted = " or ".join(FLOATS)
            raise CheckpointError(f"{path}: {key} is {kind} {found}, expected {wanted} {shape}")


def save(
    model: LatentModel[Any] | Classifier[Any],
    folder: str | Path,
    card: str | None = None,
    weights: Mapping[str, torch.Tensor] | None = None,
    half: bool = False,
    **about: Any,  # noqa: ANN401
) -> Path:
    """Write a model to `folder`; each file appears whole or not at all.

    Args:
        model: the model.
        folder: made if missing.
        card: Markdown text: what, how made, licence, numbers.
        weights: written instead of the model's own (averaged ones, say).
        half: round them to float16, which takes half the space.
        **about: JSON values to keep in config.json (preset, training, numbers).

    Returns:
        The folder.

    Raises:
        CheckpointError: it is no model of these, or a weight is too large for float16.
    """
    folder = Path(folder)
    names = [name for name, (_, kind) in MODELS.items() if isinstance(model, kind)]
    if not names:
        raise CheckpointError(f"a {type(model).__name__} is none of {', '.join(MODELS)}")
    tensors = model.state_dict() if weights is None else weights
    if half:
        tensors = {key: _halved(key, value) for key, value in tensors.items()}
    write_tensors(folder / WEIGHTS, tensors)
    config = to_json(model.config)
    write_json(folder / CONFIG, {"format": FORMAT, "model": names[0], "config": config, **about})
    if card is not None:
        write_text(folder / CARD, card)
    return folder


def _halved(name: str, value: torch.Tensor) -> torch.Tensor:
    half = value.half()
    if not half.isfinite().all():
        raise CheckpointError(f"{name} reaches {value.abs().max():.3g}, too much for float16")
    return half


def write_tensors(path: Path, tensors: Mapping[str, torch.Tensor]) -> None:
    """Write tensors as safetensors, whole or not at all."""
    plain = {key: value.detach().cpu().contiguous() for key, value in tensors.items()}
    with aside(path) as temporary:
        save_file(plain, temporary, metadata={"format": "pt"})


def pull(repository: str) -> Path:
    """Download a model from the Hugging Face hub and return its folder.

    Raises:
        CheckpointError: it cannot be had.
    """
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(repository, allow_patterns=[WEIGHTS, CONFIG, CARD]))
    except Exception as error:  # the hub client raises of every kind, network errors included
        raise CheckpointError(f"{HUB}{repository} cannot be had: {error}") from error


def push(name: str | Path, repository: str, private: bool = False) -> str:
    """Upload a model's folder to the Hugging Face hub and return its address.

    Raises:
        CheckpointError: there is no such model, or the hub refuses.
    """
    from huggingface_hub import HfApi

    folder, api = locate(name), HfApi()
    load(folder)  # never publish what does not load
    try:
        api.create_repo(repository, private=private, exist_ok=True)
        found = api.upload_folder(
            repo_id=repository, folder_path=folder, allow_patterns=[WEIGHTS, CONFIG, CARD]
        )
    except Exception as error:
        raise CheckpointError(f"{HUB}{repository} refused: {error}") from error
    return str(found)
