"""`xpnet evaluate`: the accuracy of a saved net, as a whole and by class."""

import re
import warnings

import numpy as np

import xpnet


def test_both_accuracies_and_every_class_are_those_of_the_net(cli, digits_model):
    output = cli.output("evaluate", digits_model, "--backend", "numpy")
    net = xpnet.load(digits_model, backend="numpy")
    train, test = xpnet.datasets.digits()
    first, second, blank, _, *classes = output.splitlines()
    assert first.startswith(f"train accuracy {net.accuracy(*train):.4f} (")
    assert second.startswith(f"test accuracy {net.accuracy(*test):.4f} (")
    assert blank == ""
    assert len(classes) == 10
    for label, line in enumerate(classes):
        mine = test.t == label
        accuracy = net.accuracy(test.x[mine], test.t[mine])
        assert re.match(rf" *{label} +{accuracy:.4f} +\d+ of {np.sum(mine)}", line)
        wrong = net.predict(test.x[mine]).argmax(axis=1)
        wrong = wrong[wrong != label]
        if len(wrong):
            counts = np.bincount(wrong)
            assert line.endswith(f"  {counts.argmax()} ({counts.max()})")


def test_what_a_class_is_taken_for_is_told(cli, tmp_path, tiny_csv):
    with xpnet.using("numpy"):
        net = xpnet.nets.MultiLayerNet(4, [], 3, seed=0)
    net.params["W1"][...] = 0
    net.params["b1"][...] = [0, 0, 1]  # it says 2 to everything
    net.save(tmp_path / "net")
    output = cli.output("evaluate", "net", "--dataset", tiny_csv)
    assert output.startswith("tiny.csv accuracy 0.0000 (0 of 40)\n")
    (_, t), _ = xpnet.datasets.from_csv(tiny_csv, test_fraction=0)
    taken = [["2", f"({np.sum(t == label)})"] for label in (0, 1)]
    assert [line.split()[-2:] for line in output.splitlines()[-2:]] == taken


def grey_levels(path, x, t, first):
    """Write samples from `first` on as a CSV file of whole numbers 0..16."""
    lines = [f"label,{','.join(f'pixel{i}' for i in range(64))}"]
    lines += [",".join(map(str, [label, *row])) for label, row in zip(t[first:], x[first:], strict=True)]
    path.write_text("\n".join(lines) + "\n")


def test_a_csv_file_is_taken_whole_and_scaled_as_the_training_data(cli, tmp_path):
    train, test = xpnet.datasets.digits(normalize=False)
    grey_levels(tmp_path / "train.csv", *train, first=0)
    grey_levels(tmp_path / "test.csv", *test, first=0)
    dim = test.x.max(axis=1) < 16
    dim[:5] = True
    grey_levels(tmp_path / "dim.csv", np.minimum(test.x[dim], 15), test.t[dim], first=0)
    options = ("--epochs", 5, "--batch-size", 20, "--seed", 0, "--backend", "numpy")
    cli.output("train", "--dataset", "train.csv", "--save", "net", *options)
    net = xpnet.load("net", backend="numpy")
    assert net.input_range == (0, 16)
    for name, x, t in (("test.csv", *test), ("dim.csv", np.minimum(test.x[dim], 15), test.t[dim])):
        first = cli.output("evaluate", "net", "--dataset", name).splitlines()[0]
        right = int(np.sum(net.predict((x / 16).astype("float32")).argmax(axis=1) == t))
        assert first == f"{name} accuracy {right / len(t):.4f} ({right} of {len(t)})"
    raw, scaled = (cli.output("evaluate", "net", "--dataset", "digits") for _ in range(2))
    assert raw == scaled


def test_data_beyond_the_nets_range_are_said(cli, tmp_path, tiny_csv):
    with xpnet.using("numpy"):
        net = xpnet.nets.MultiLayerNet(4, [], 2, seed=0)
    net.input_range = (0, 16)
    net.save(tmp_path / "net")
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        result = cli("evaluate", "net", "--dataset", tiny_csv)
    assert result.exit_code == 0
    (line,) = result.stderr.splitlines()
    assert line.startswith(
        "xpnet: x is uint8 with values up to 249, and is scaled by net.input_range = 0..16"
    )


def test_a_net_of_another_size_is_one_line_that_says_both(cli, digits_model, tiny_csv):
    line = cli.error("evaluate", digits_model, "--dataset", tiny_csv)
    assert "takes images of 64 pixels but those of" in line
    assert "have 4" in line


def test_a_net_of_fewer_classes_is_one_line_that_says_both(cli, tmp_path, tiny_csv):
    with xpnet.using("numpy"):
        xpnet.nets.MultiLayerNet(4, [], 1, seed=0).save(tmp_path / "net")
    line = cli.error("evaluate", "net", "--dataset", tiny_csv)
    assert "tells 1 classes apart" in line
    assert "has 2" in line


def test_a_net_that_is_no_classifier_is_one_line(cli, tmp_path):
    for loss in (xpnet.layers.IdentityWithLoss(), xpnet.layers.SigmoidWithLoss()):
        layers = [xpnet.layers.Affine(np.ones((64, 10)), np.zeros(10))]
        xpnet.nets.Sequential(layers, loss=loss).save(tmp_path / "net")
        line = cli.error("evaluate", "net")
        assert f"SoftmaxWithLoss: its loss is {type(loss).__name__}" in line


def test_a_damaged_model_is_one_line(cli, tmp_path, digits_model):
    data = bytearray(digits_model.read_bytes())
    data[-5] ^= 1
    (tmp_path / "net").write_bytes(data)
    assert "net is damaged" in cli.error("evaluate", "net")
    (tmp_path / "net").write_bytes(data[:1000])
    assert "net is not a whole file" in cli.error("evaluate", "net")
