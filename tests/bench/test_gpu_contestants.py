"""What takes part on a GPU, as far as a machine without one can tell."""

import time
from types import SimpleNamespace

import numpy as np
import pytest

from xpnet.bench import contestants, reference
from xpnet.bench.case import Case
from xpnet.bench.contestant import Contestant, DoesNotApplyError
from xpnet.bench.contestants import ON_A_GPU, RIVALS, Entry
from xpnet.bench.player import make
from xpnet.bench.remote import ContestantError, RemotePlayer, write_data
from xpnet.bench.session import Session


def test_rivals_on_a_gpu_are_those_of_the_cpu_and_more_each_told_its_device():
    entries = contestants.of_gpu_rivals(["torch", "jax"])
    labels = [entry.label for entry in entries]
    assert set(labels) == {
        one.label for rival in ("torch", "jax") for one in (*RIVALS[rival], *ON_A_GPU[rival])
    }
    for entry in entries:
        assert entry.options["device"] == ("cuda" if entry.label.startswith("PyTorch") else "gpu")
    assert not any("device" in one.options for one in contestants.of_rivals(["torch", "jax"]))


def test_a_rival_on_a_gpu_that_is_not_installed_is_known(monkeypatch):
    monkeypatch.setattr("xpnet.bench.contestants.importlib.util.find_spec", lambda name: None)
    assert not any(contestants.installed(entry) for entry in contestants.of_gpu_rivals(["torch", "jax"]))
    assert all(contestants.installed(entry) for entry in contestants.of_tiers(cpu=True))


def test_pytorch_captures_nothing_without_a_gpu():
    pytest.importorskip("torch")
    for graph in (1, 20):
        with pytest.raises(ValueError, match="a CUDA graph needs a CUDA device, and PyTorch computes on cpu"):
            make(RIVALS["torch"][0].spec, {"graph": graph, "device": "cpu"})


@pytest.mark.parametrize("together", [1, 5])
def test_the_steps_that_pytorch_captures_are_the_right_ones(play, together, monkeypatch):
    """Run as they stand, in place of a capture: the counter, the last batch and the losses are all there."""
    pytorch = pytest.importorskip("xpnet.bench.rivals.pytorch", exc_type=ImportError)
    monkeypatch.setattr(pytorch, "capture", lambda steps, kept: steps)
    contestant = pytorch.Torch(device="cpu")
    contestant.graph = together
    (outcome,) = play(contestant).outcomes
    assert outcome.problems == []
    assert len(contestant.captured._graphs) == (2 if together == 1 else 3)


def test_what_warming_up_a_capture_changes_is_put_back(case, data):
    pytorch = pytest.importorskip("xpnet.bench.rivals.pytorch", exc_type=ImportError)
    contestant = pytorch.Torch(device="cpu")
    contestant.graph = 1
    contestant.prepare(case, data, case.weights())
    steps = contestant.captured
    kept = steps._kept()
    before = [tensor.clone() for tensor in kept]
    steps._take(2, pytorch.torch.arange(case.batch))
    assert not any(pytorch.torch.equal(tensor, value) for tensor, value in zip(kept, before, strict=True))


def test_one_to_which_the_case_does_not_apply_has_no_outcome(play):
    import fakes

    result = play(Elsewhere(), fakes.Honest(), Elsewhere())
    (outcome,) = result.outcomes
    assert outcome.label == "Honest 1"
    assert outcome.counts


def test_in_a_process_of_its_own_too(case, data):
    session = Session(data, threads=1, epochs=1)
    result = session.run(
        case, [Entry("good", "fakes:Honest"), Entry("not", "test_gpu_contestants:Elsewhere")]
    )
    assert [one.label for one in result.outcomes] == ["good"]


class Elsewhere(Contestant):
    """Cannot play, and need not."""

    def prepare(self, case, data, weights):
        raise DoesNotApplyError("too wide")


def test_numba_cuda_takes_part_in_each_of_its_ways(monkeypatch):
    monkeypatch.setattr(contestants, "find", lambda name: SimpleNamespace(name=name))
    labels = [entry.label for entry in contestants.of_backends(["numpy", "numba-cuda", "cupy"])]
    ours = ["xpnet persistent", "xpnet graph", "xpnet numba-cuda, layer by layer"]
    assert labels == ["xpnet numpy", *ours, "xpnet cupy"]
    assert [entry.on_gpu for entry in contestants.of_backends(["numpy", "numba-cuda", "cupy"])] == [
        0,
        1,
        1,
        1,
        1,
    ]


@pytest.mark.parametrize("on_gpu", [False, True])
def test_beside_a_gpu_the_rivals_must_compute_there_too(on_gpu, monkeypatch):
    from xpnet.cli import _benchmark

    entry = Entry("one", "fakes:Honest", on_gpu=on_gpu)
    monkeypatch.setattr(contestants, "of_backends", lambda names: [entry])
    monkeypatch.setattr(contestants, "installed", lambda entry: True)
    request = _benchmark.Request(
        **{**dict.fromkeys(_benchmark.Request.__dataclass_fields__), "cases": ("20@20",)}
    )
    request.dataset, request.vs = "digits", ("torch", "sklearn")
    found = _benchmark.Benchmark(request).entries
    told = {one.label: one.options.get("device") for one in found}
    assert told["PyTorch eager"] == ("cuda" if on_gpu else None)
    assert told["scikit-learn"] is None
    assert ("PyTorch CUDA graph of a step" in told) == on_gpu


def test_tf32_is_refused_where_there_is_none(data):
    case = Case((64, 20, 10), 20, tf32=True)
    assert str(case) == "64-20-10, batch 20, TF32"
    for rival in ("torch", "jax"):
        pytest.importorskip(rival)
        with pytest.raises(ValueError, match="on the CPU here, which has no TF32"):
            make(RIVALS[rival][0].spec, {}).prepare(case, data, case.weights())


def test_rounding_to_tf32():
    ulp = np.float32(2.0**-10)
    values = np.array([1, 1 + ulp, 1 + 0.49 * ulp, 1 + 0.5 * ulp, -1 - 0.75 * ulp, 0, 3e38], np.float32)
    expected = np.array([1, 1 + ulp, 1, 1 + ulp, -1 - ulp, 0, 3e38], np.float32)
    np.testing.assert_allclose(reference.to_tf32(values), expected, rtol=2.0**-11)
    np.testing.assert_array_equal(reference.to_tf32(values)[:6], expected[:6])
    assert not np.any(reference.to_tf32(values).view(np.uint32) & 0x1FFF)


def test_tf32_rounds_more_but_only_in_float32(data):
    def way(dtype, **settings):
        case = Case((64, 20, 10), 20, **settings)
        return reference.train(case, data, case.weights(), 0, 600, dtype).weights

    exact, exact_in_tf32 = way(np.float64), way(np.float64, tf32=True)
    assert reference.distance(exact, exact_in_tf32) == 0
    fine, coarse = (reference.distance(way(np.float32, tf32=tf32), exact) for tf32 in (False, True))
    assert 0 < 20 * fine < coarse < 0.01 * reference.distance(exact, Case((64, 20, 10), 20).weights())


class Stuck:
    """A contestant that never answers."""

    packages = ()

    def prepare(self, case, data, weights):
        time.sleep(600)


def test_a_process_that_does_not_answer_in_time_is_killed(tmp_path, case, data):
    write_data(data, tmp_path)
    player = RemotePlayer("test_gpu_contestants:Stuck", {}, case, tmp_path, "p", 1, limit=3)
    try:
        with pytest.raises(ContestantError, match="no answer within 3 s"):
            player.prepare()
    finally:
        player.close()


def test_once_the_time_is_up_nobody_begins(case, data):
    import fakes

    from xpnet.bench.compare import Comparison
    from xpnet.bench.player import Player

    class Slow(fakes.Honest):
        def epoch(self, number, order):
            if number == 1:
                time.sleep(1.2)
            return super().epoch(number, order)

    players = {name: lambda: Player(Slow(), {}, case, data) for name in ("first", "second")}
    until = time.monotonic() + 1
    first, second = Comparison(case, data, players, epochs=3, settle=0, until=until).run().outcomes
    assert len(first.seconds) == 1
    assert second.error == "no time was left to make it ready"


def test_the_entries_can_be_made():
    assert len({entry.label for entry in contestants.of_tiers(cpu=True)}) == 7
    assert all(isinstance(entry, Entry) for entry in contestants.of_tiers())
