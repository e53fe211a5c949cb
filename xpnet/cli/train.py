"""`xpnet train`: a fully connected net for a data set."""

from __future__ import annotations

from typing import Any

import click

from xpnet import optimizers
from xpnet.cli._errors import INTERRUPTED
from xpnet.cli._options import backend_option, dataset_option, examples, hidden_sizes, output_file, plot_path
from xpnet.cli._recipes import default_help
from xpnet.cli._training import Options, Training
from xpnet.nets.multi_layer_net import ACTIVATIONS
from xpnet.training.loop import ENGINES

_EXAMPLES = examples(
    """
    xpnet train
    xpnet train --dataset mnist --save mnist.safetensors --plot mnist.png
    xpnet train --dataset train.csv --no-header --label 0
    xpnet train --dataset mnist --hidden 256,128 --optimizer adam --epochs 5
    xpnet train --backend gpu --dataset fashion_mnist --seed 1 --log run.jsonl
    """
)


@click.command(epilog=_EXAMPLES, short_help="Train a net.")
@backend_option
@dataset_option("digits")
@click.option(
    "--hidden",
    type=hidden_sizes,
    metavar="N,N,...",
    default="50",
    show_default=True,
    help="Widths of the hidden layers, or none.",
)
@click.option(
    "--activation",
    type=click.Choice(list(ACTIVATIONS)),
    default="relu",
    show_default=True,
    help="What follows each hidden layer; it decides the initial weights too (He for relu, else Xavier).",
)
@click.option(
    "--epochs",
    type=click.IntRange(min=1),
    metavar="N",
    help=f"How often to visit all training images.  [{default_help('epochs')}]",
)
@click.option(
    "--batch-size",
    type=click.IntRange(min=1),
    metavar="N",
    help=f"Images in a step.  [{default_help('batch_size')}]",
)
@click.option(
    "--optimizer",
    type=click.Choice(optimizers.names(), case_sensitive=False),
    default="sgd",
    show_default=True,
    help="The rule of the steps.",
)
@click.option(
    "--learning-rate",
    type=float,
    metavar="F",
    help=f"Size of the steps, above 0.  [{default_help('lr')}; an optimizer other than sgd has its own]",
)
@click.option(
    "--dtype",
    type=click.Choice(["float32", "float64"]),
    default="float32",
    show_default=True,
    help="Precision.",
)
@click.option(
    "--engine",
    type=click.Choice(ENGINES),
    default="auto",
    show_default=True,
    help="How an epoch runs: compiled, layer by layer, or one of the two ways that a GPU has to compile it.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    metavar="N",
    help="Of initial weights and batch order; the same seed gives the same numbers.  [default: a new one]",
)
@click.option("--save", type=output_file, metavar="FILE.safetensors", help="Write the trained net here.")
@click.option(
    "--plot",
    type=output_file,
    callback=plot_path,
    metavar="FILE.png",
    help="Draw loss and accuracy here (.png, .svg or .pdf); needs matplotlib.",
)
@click.option("--log", type=output_file, metavar="FILE.jsonl", help="Write a JSON line an epoch here.")
@click.pass_context
def train(ctx: click.Context, /, **given: Any) -> None:
    """Train a fully connected net and print the accuracy of every epoch.

    Without options it learns the built-in digits, which needs neither the network nor a GPU. Ctrl-C ends
    the training after the step in hand; the net, the plot and the log are written all the same, and the
    exit code is 130.
    """
    training = Training(ctx, Options(**given))
    history = training.fit()
    training.write(history)
    click.echo(training.summary(history))
    if history.interrupted:
        ctx.exit(INTERRUPTED)
