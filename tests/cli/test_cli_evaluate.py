"""`xpnet evaluate`: the accuracy of a saved net, as a whole and by class."""

import re

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
    assert "test accuracy 0.0000 (0 of 12)" in output
    _, (_, t) = xpnet.datasets.from_csv(tiny_csv)
    taken = [["2", f"({np.sum(t == label)})"] for label in (0, 1)]
    assert [line.split()[-2:] for line in output.splitlines()[-2:]] == taken


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
