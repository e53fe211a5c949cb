"""`xpnet train`: what it prints, what it writes, what a seed means."""

import json
import re

import numpy as np
import pytest

import xpnet

SHORT = ("train", "--backend", "numpy", "--epochs", "2", "--seed", "3")


def events(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_built_in_digits_are_learned(cli):
    result = cli("train", "--backend", "cpu", "--seed", "0")
    assert result.exit_code == 0
    assert re.match(r"xpnet: numba on CPU, .*, float32, ", result.stderr)
    heading, *epochs, last = result.stdout.splitlines()
    assert heading.startswith("digits, 64-50-10 relu, numba: 1437 training and 360 test images, SGD(lr=0.1)")
    assert [line.split(",")[0] for line in epochs] == [f"epoch {number}" for number in range(1, 31)]
    accuracy, seconds = re.fullmatch(r"test accuracy (0\.\d{4}), trained for (\d+\.\d\d) s", last).groups()
    assert float(accuracy) >= 0.96
    assert f"test accuracy {accuracy}," in epochs[-1]
    assert float(seconds) > 0


def test_a_seed_repeats_the_run_and_means_what_it_means_in_python(cli, tmp_path):
    def losses(seed, name):
        cli.output("train", "--backend", "numpy", "--epochs", "2", "--seed", seed, "--log", tmp_path / name)
        return [event["loss"] for event in events(tmp_path / name)[1:]]

    first = losses(3, "a.jsonl")
    assert losses(3, "b.jsonl") == first
    assert losses(4, "c.jsonl") != first
    train, _ = xpnet.datasets.digits()
    with xpnet.using("numpy"):
        net = xpnet.nets.MultiLayerNet(64, [50], 10, weight_init_std="he", seed=3)
        sgd = xpnet.optimizers.SGD(0.1)
        history = net.fit(*train, epochs=2, batch_size=20, optimizer=sgd, seed=3, verbose=False)
    assert [epoch.loss for epoch in history.epochs] == first


def test_the_engine_can_be_named(cli):
    arguments = ("train", "--backend", "cpu", "--epochs", "1", "--engine")
    assert "layer by layer" in cli(*arguments, "layers").stderr
    assert "compiled epochs" in cli(*arguments, "compiled").stderr
    refused = cli(*arguments, "graph")
    assert refused.exit_code != 0
    assert "engine 'graph' does not apply: the backend numba has no such epochs" in refused.stderr


def test_without_a_seed_the_one_drawn_is_told(cli, tmp_path):
    seeds = set()
    for name in ("a", "b"):
        output = cli.output("train", "--backend", "numpy", "--epochs", 1, "--log", name)
        seeds.add(int(re.search(r"seed (\d+)$", output, re.MULTILINE).group(1)))
        assert events(tmp_path / name)[0]["seed"] in seeds
    assert len(seeds) == 2


def test_the_log_holds_the_run_and_every_epoch(cli, tmp_path):
    cli.output(*SHORT, "--log", "run.jsonl", "--optimizer", "adam", "--hidden", "20,10")
    run, *epochs = events(tmp_path / "run.jsonl")
    assert run["event"] == "run"
    assert run["version"] == xpnet.__version__
    assert (run["backend"], run["dataset"], run["seed"]) == ("numpy", "digits", 3)
    assert run["device"].startswith("CPU")
    assert run["net"] == "MultiLayerNet 64-20-10-10"
    assert run["optimizer"].startswith("Adam(lr=0.001")
    assert run["options"]["hidden"] == [20, 10]
    assert (run["options"]["epochs"], run["options"]["batch_size"]) == (2, 20)
    assert run["options"]["learning_rate"] == 0.001
    assert [(event["event"], event["number"]) for event in epochs] == [("epoch", 1), ("epoch", 2)]
    assert set(epochs[0]) == {
        "event",
        "number",
        "loss",
        "train_accuracy",
        "test_accuracy",
        "seconds",
        "test_loss",
    }


def test_the_log_of_a_run_that_failed_says_why(cli, tmp_path):
    cli.error("train", "--backend", "numpy", "--learning-rate", "1e30", "--seed", "0", "--log", "run.jsonl")
    *_, last = events(tmp_path / "run.jsonl")
    assert (last["event"], last["error"]) == ("failure", "DivergedError")
    assert "lower the learning rate" in last["message"]


def test_an_engine_that_does_not_apply_is_said_before_a_log_is_begun(cli, tmp_path):
    (tmp_path / "run.jsonl").write_text("of an earlier run")
    arguments = ("train", "--backend", "numpy", "--engine", "graph", "--log", "run.jsonl")
    assert cli(*arguments).stdout == ""
    assert "the backend numpy has no compiled epoch" in cli.error(*arguments)
    assert (tmp_path / "run.jsonl").read_text() == "of an earlier run"


def test_every_log_line_is_on_the_disk_when_its_epoch_ends(cli, tmp_path, monkeypatch):
    from xpnet.cli._training import Training

    seen = []
    original = Training._on_epoch

    def look(self, epoch):
        original(self, epoch)
        seen.append(len(events(tmp_path / "run.jsonl")))

    monkeypatch.setattr(Training, "_on_epoch", look)
    cli.output(*SHORT, "--log", "run.jsonl")
    assert seen == [2, 3]


def test_an_infinite_loss_is_still_json(tmp_path):
    from xpnet.cli._log import RunLog

    with RunLog(tmp_path / "log") as log:
        log.epoch(xpnet.Epoch(1, float("inf"), 0.1, None, 1.0))
    assert events(tmp_path / "log")[0]["loss"] is None


def test_what_was_written_is_told_and_is_the_net_that_was_trained(cli, tmp_path):
    output = cli.output(*SHORT, "--save", "net.safetensors", "--plot", "run.png", "--log", "run.jsonl")
    last = output.splitlines()[-1]
    assert last.endswith("; wrote net.safetensors, run.png, run.jsonl")
    net = xpnet.load(tmp_path / "net.safetensors", backend="numpy")
    _, test = xpnet.datasets.digits()
    assert f"test accuracy {net.accuracy(*test):.4f}" in last
    assert (tmp_path / "run.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("options", "layers", "dtype"),
    [
        (("--hidden", "none"), ["Affine"], "float32"),
        (("--hidden", "7", "--activation", "tanh"), ["Affine", "Tanh", "Affine"], "float32"),
        (("--hidden", "7, 6", "--dtype", "float64"), ["Affine", "Relu"] * 2 + ["Affine"], "float64"),
    ],
)
def test_the_options_make_the_net(cli, tmp_path, options, layers, dtype):
    cli.output(*SHORT, *options, "--save", "net")
    net = xpnet.load(tmp_path / "net", backend="numpy")
    assert [type(layer).__name__ for layer in net.layers.values()] == layers
    assert net.dtype == np.dtype(dtype)


def test_initial_weights_are_he_for_relu_and_xavier_else(cli, tmp_path):
    def deviation(activation):
        options = ("--hidden", "1000", "--learning-rate", "1e-9", "--epochs", "1", "--batch-size", "1437")
        cli.output(*SHORT, *options, "--activation", activation, "--save", "net")
        return np.std(xpnet.load(tmp_path / "net", backend="numpy").params["W1"])

    assert deviation("relu") == pytest.approx((2 / 64) ** 0.5, rel=0.02)
    assert deviation("tanh") == pytest.approx((1 / 64) ** 0.5, rel=0.02)


def test_a_csv_file_is_a_data_set(cli, tiny_csv):
    output = cli.output("train", "--backend", "numpy", "--dataset", tiny_csv, "--epochs", 20, "--seed", 0)
    assert output.startswith("tiny.csv, 4-50-2 relu, numpy: 28 training and 12 test images, SGD(lr=0.1)")
    assert "\ntest accuracy 1.0000, " in output


def test_a_csv_file_too_small_for_a_test_part_trains_all_the_same(cli, tmp_path):
    (tmp_path / "one.csv").write_text("label,a,b\n1,0,255\n")
    output = cli.output("train", "--backend", "numpy", "--dataset", "one.csv", "--epochs", "1")
    assert output.splitlines()[-1].startswith("train accuracy ")


def test_the_backend_chosen_ends_with_the_command(cli):
    cli.output(*SHORT)
    with xpnet.using("numba"):
        cli.output(*SHORT)
        assert xpnet.current_backend().name == "numba"


def test_xpnet_backend_holds_where_no_option_does(cli, monkeypatch):
    monkeypatch.setenv("XPNET_BACKEND", "numpy")
    assert cli("train", "--epochs", "1").stderr.startswith("xpnet: numpy on CPU")


def test_auto_says_what_it_took_and_why(cli):
    first = cli("train", "--backend", "auto", "--epochs", "1", "--seed", "1").stderr.splitlines()[0]
    assert re.match(r"xpnet: backend auto took \S+ on .* \(.*GPU", first)


def test_help_says_a_default_once_where_there_is_one(cli):
    text = " ".join(cli.output("train", "--help").split())
    assert "[default: 0.1; an optimizer other than sgd has its own]" in text
    assert "[default: 30 for digits, else 16]" in text
