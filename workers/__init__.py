"""Where hospital and science meet: a series is screened, its results are delivered."""
