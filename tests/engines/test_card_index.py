"""The cards that the intake reads are those of the models that the workers run."""

from engines import card_index, catalog


def test_every_model_has_its_card_in_the_index():
    assert tuple(model.CARD for model in catalog.MODELS) == card_index.CARDS
