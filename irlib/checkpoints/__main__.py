"""Look into network files and export them: ``python -m irlib.checkpoints``."""

import argparse
import sys
from pathlib import Path

from irlib.checkpoints.brought import COLOR_ORDERS, Brought
from irlib.checkpoints.exporting import architecture_of, export_onnx, export_safetensors
from irlib.checkpoints.loading import load_backbone
from irlib.checkpoints.programs import Program

EXPORTS = (".onnx", ".safetensors")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    command = argparse.ArgumentParser(
        "python -m irlib.checkpoints",
        description="Look into the file of a network, or write it as ONNX or safetensors.",
        allow_abbrev=False,
    )
    commands = command.add_subparsers(dest="command", required=True)
    show = commands.add_parser("show", help="family, sizes, color order and digest of a network")
    export = commands.add_parser("export", help="the network as another file, compared with it")
    for each in (show, export):
        each.add_argument("file", type=Path, help="checkpoint or program")
        each.add_argument(
            "--color-order", choices=COLOR_ORDERS, help="that it was trained on (default: as told)"
        )
    expected = " or ".join(EXPORTS)
    export.add_argument(
        "--to", metavar="FILE", type=Path, required=True, help=f"ends in {expected}"
    )
    export.add_argument("--opset", metavar="N", type=int, help="of ONNX (default: torch's own)")
    return command


def main(arguments: list[str] | None = None) -> int:
    """Run a command; 0 if it is done, else 1 and one line on what is wrong."""
    options = parser().parse_args(arguments)
    try:
        {"show": run_show, "export": run_export}[options.command](options)
    except (ValueError, OSError, ModuleNotFoundError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def run_show(options: argparse.Namespace) -> None:
    """Print what a file is.

    Raises:
        ValueError: it is of no known network.
        OSError: it cannot be read.
    """
    backbone = load_backbone(options.file, options.color_order)
    for name, value in described(backbone).items():
        print(f"{name + ':':<16}{value}")


def run_export(options: argparse.Namespace) -> None:
    """Write a network as another file.

    Raises:
        ValueError: of no known network, or one that cannot be exported.
        OSError: a file that cannot be read or written.
    """
    if options.to.suffix not in EXPORTS:
        raise ValueError(f"--to {options.to}: expected a name that ends in {' or '.join(EXPORTS)}")
    if options.opset is not None and options.to.suffix != ".onnx":
        raise ValueError(f"--opset {options.opset}: only ONNX files have one")
    backbone = load_backbone(options.file, options.color_order)
    if options.to.suffix == ".onnx":
        export_onnx(backbone, options.to, opset=options.opset)
    else:
        export_safetensors(backbone, options.to)
    print(f"{options.to}: written, {backbone.embedding_size} numbers an embedding, as the original")


def described(backbone: Brought) -> dict[str, str]:
    """What a file is, by name, in words."""
    network = backbone.network
    is_program = isinstance(network, Program)
    count = sum(parameter.numel() for parameter in network.parameters())
    batch = f", {network.batch} images at a time" if is_program and network.batch else ""
    return {
        "family": backbone.family,
        "architecture": f"program{batch}" if is_program else architecture_of(network),
        "parameters": "in the program" if is_program else f"{count:,}",
        "embedding size": str(backbone.embedding_size),
        "color order": backbone.color_order,
        "digest": backbone.digest,
    }


if __name__ == "__main__":
    sys.exit(main())
