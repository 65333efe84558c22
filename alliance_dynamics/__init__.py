"""System dynamics of regional and industrial innovation subsystems and of the alliance that coordinates them."""

__version__ = "0.1.0"
