mask = self.blind.draw(noisy.shape, generator)
prediction = self.predict(self.blind.hide(noisy, mask, generator))
likelihood = self.likelihood(prediction.blind, target, weight, channel, mask, saturated)
gate = self._gate_loss(prediction, target, weight, channel, mask, saturated)
return likelihood + gate
