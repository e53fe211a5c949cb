"""Orders drawn ahead are those that would have been drawn in time."""

import numpy as np

import xpnet
from xpnet import random
from xpnet.nets import TwoLayerNet
from xpnet.training._order import Orders


def drawn(ahead, between=None):
    """Return three orders, and what the generator draws after them."""
    orders, made = Orders(20), []
    with random.seeded(5):
        for _ in range(3):
            made.append(orders.next())
            if ahead:
                orders.draw_ahead()
            if between is not None:
                between()
        return [*(order.tolist() for order in made), random.generator().random()]


def test_they_are_the_same_and_leave_the_generator_the_same():
    assert drawn(ahead=True) == drawn(ahead=False)
    assert drawn(ahead=True)[0] != drawn(ahead=True)[1]


def test_they_are_drawn_anew_where_something_else_draws_in_between():
    def draw():
        random.generator().random()

    assert drawn(ahead=True, between=draw) == drawn(ahead=False, between=draw)


def test_an_order_drawn_ahead_is_taken(monkeypatch):
    orders = Orders(20)
    orders.draw_ahead()
    ahead, _ = orders._ahead[1].result()
    assert orders.next() is ahead
    assert orders.next() is not ahead


def test_fit_draws_ahead_on_an_asynchronous_device_only(monkeypatch):
    calls, losses = [], []
    draw_ahead = Orders.draw_ahead
    monkeypatch.setattr(Orders, "draw_ahead", lambda self: calls.append(draw_ahead(self)))
    x, t = np.eye(12), np.arange(12) % 3
    with xpnet.using("numba"):
        for asynchronous in (False, True):
            net = TwoLayerNet(12, 4, 3, seed=0)
            monkeypatch.setattr(type(net.backend), "asynchronous", asynchronous)
            xpnet.seed(1)
            made = [
                net.fit(x, t, epochs=2, batch_size=4, verbose=False, engine="compiled").loss for _ in "ab"
            ]
            losses.append((made, random.generator().random()))
    assert len(calls) == 4
    assert losses[0] == losses[1]
