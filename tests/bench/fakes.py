"""A contestant in plain NumPy that does everything right, and others with one planted error each."""

import threading
import time

import numpy as np

from xpnet.bench.case import logits
from xpnet.bench.contestant import Contestant
from xpnet.bench.reference import step


class Honest(Contestant):
    """Every step, in float32."""

    def prepare(self, case, data, weights):
        self.case, self.data = case, data
        self.net = [array.copy() for array in weights]

    def batches(self, order):
        return [order[i : i + self.case.batch] for i in range(0, len(order), self.case.batch)]

    def one(self, number, index, lr):
        return step(self.net, self.data.x[index], self.data.t[index], lr)

    def epoch(self, number, order):
        return [self.one(k, index, self.case.lr) for k, index in enumerate(self.batches(order))]

    def weights(self):
        return self.net

    def predict(self, x):
        return logits(self.net, x)


class MeanOnly(Honest):
    """Tells the epoch's mean loss only, as scikit-learn does; no error."""

    def epoch(self, number, order):
        counts = [len(index) for index in self.batches(order)]
        return [float(np.average(super().epoch(number, order), weights=counts))]


class SkipsOneUpdate(Honest):
    """Leaves out one update in every epoch."""

    def one(self, number, index, lr):
        return super().one(number, index, 0.0 if number == 5 else lr)


class SkipsUpdatesWhenTimed(Honest):
    """Leaves out every other update, but only in the epochs that are timed: the second of each turn."""

    def epoch(self, number, order):
        self.timed = number > 1 and number % 2 and len(order) == len(self.data.x)
        return super().epoch(number, order)

    def one(self, number, index, lr):
        return super().one(number, index, 0.0 if self.timed and number % 2 else lr)


class HalfTheSteps(Honest):
    """Sees half of the samples."""

    def epoch(self, number, order):
        return super().epoch(number, order[: len(order) // 2])


class IdleOffTheClock(Honest):
    """Does nothing in the first epoch of a turn, and tells the losses of one before."""

    def epoch(self, number, order):
        if number > 1 and number % 2 == 0 and len(order) == len(self.data.x):
            return self.told
        self.told = super().epoch(number, order)
        return self.told


class HalfTheStepsInDisguise(Honest):
    """Sees half of the samples, and tells every loss twice."""

    def epoch(self, number, order):
        batches = self.batches(order)
        losses = [self.one(k, index, self.case.lr) for k, index in enumerate(batches[::2])]
        return np.repeat(losses, 2)[: len(batches)]


class OtherOrder(Honest):
    """Shuffles for itself."""

    def epoch(self, number, order):
        return super().epoch(number, np.sort(order))


class SumForMean(Honest):
    """Uses the gradient of the sum: another learning rate."""

    def one(self, number, index, lr):
        return super().one(number, index, lr * len(index))


class HalfPrecision(Honest):
    """Keeps the weights in float16."""

    def one(self, number, index, lr):
        loss = super().one(number, index, lr)
        for array in self.net:
            array[...] = array.astype(np.float16)
        return loss


class DeadWeights(Honest):
    """Shows a copy of the weights that is not the one it goes on training."""

    def epoch(self, number, order):
        losses = super().epoch(number, order)
        self.shown = [array.copy() for array in self.net]
        if number > 1:
            self.net[0] += 0.01
        return losses

    def weights(self):
        return self.shown


class NotSynchronised(Honest):
    """Starts the work, says at once that it is done; whoever reads the weights must wait."""

    delay = 0.05

    def epoch(self, number, order):
        if hasattr(self, "work"):
            self.work.join()  # as a device's stream does one thing after another
        before = [array.copy() for array in self.net]
        losses = super().epoch(number, order)
        after, self.net = self.net, before
        self.work = threading.Timer(self.delay, lambda: setattr(self, "net", after))
        self.work.start()
        return losses

    def weights(self):
        self.work.join()
        return self.net


class SynchronisedThread(NotSynchronised):
    """The same, but it waits where it is told to; no error."""

    def synchronize(self):
        if hasattr(self, "work"):
            self.work.join()


class SlowToRead(Honest):
    """Its weights take long to read the first time after an epoch, as new memory does; no error."""

    def weights(self):
        if self.read is not self.net:
            time.sleep(NotSynchronised.delay)
        self.read = self.net
        return self.net

    def last_bias(self):
        return self.net[-1]

    def epoch(self, number, order):
        self.read = None
        return super().epoch(number, order)


class WrongPrediction(Honest):
    """Leaves out the last bias when it predicts."""

    def predict(self, x):
        return logits([*self.net[:-1], 0 * self.net[-1]], x)


class Impossible(Honest):
    """Claims a machine too slow for the time it took."""

    def product(self, a, b):
        time.sleep(0.1)
        return a @ b


class Crashes(Honest):
    """Fails in its second round."""

    def epoch(self, number, order):
        if number == 5:
            raise ImportError("out of luck")
        return super().epoch(number, order)


class CannotStart(Contestant):
    """Fails before it starts."""

    def prepare(self, case, data, weights):
        raise ValueError("no such device")
