"""The closed table of functions that an equation may call; anything else is refused when a model is read."""

from __future__ import annotations

from dataclasses import dataclass

from alliance_dynamics.model.names import canonical


@dataclass(frozen=True, slots=True)
class Function:
    """`most` is None where any number of arguments from `least` on is accepted."""

    name: str
    least: int
    most: int | None
    vensim: str
    meaning: str

    @property
    def signature(self) -> str:
        count = str(self.least) if self.most == self.least else f"{self.least} to {self.most}"
        return f"{self.vensim} with {count if self.most is not None else f'{self.least} or more'} argument(s)"


_ROWS = (
    # name, fewest and most arguments, Vensim's spelling, meaning
    ("min", 2, 2, "MIN", "the smaller of two"),
    ("max", 2, 2, "MAX", "the larger of two"),
    ("abs", 1, 1, "ABS", "absolute value"),
    ("exp", 1, 1, "EXP", "e to the power x"),
    ("ln", 1, 1, "LN", "natural logarithm"),
    ("log", 2, 2, "LOG", "logarithm of x to a base"),
    ("sqrt", 1, 1, "SQRT", "square root"),
    ("sin", 1, 1, "SIN", "sine, radians"),
    ("cos", 1, 1, "COS", "cosine, radians"),
    ("tan", 1, 1, "TAN", "tangent, radians"),
    ("arcsin", 1, 1, "ARCSIN", "inverse sine"),
    ("arccos", 1, 1, "ARCCOS", "inverse cosine"),
    ("arctan", 1, 1, "ARCTAN", "inverse tangent"),
    ("sinh", 1, 1, "SINH", "hyperbolic sine"),
    ("cosh", 1, 1, "COSH", "hyperbolic cosine"),
    ("tanh", 1, 1, "TANH", "hyperbolic tangent"),
    ("pi", 0, 0, "PI", "3.14159..."),
    ("integer", 1, 1, "INTEGER", "x without its fraction (towards zero)"),
    ("modulo", 2, 2, "MODULO", "remainder with the sign of the dividend"),
    ("quantum", 2, 2, "QUANTUM", "the largest multiple of b not above a, towards zero; a where b <= 0"),
    ("power", 2, 2, "POWER", "a to the power b"),
    ("gamma_ln", 1, 1, "GAMMA LN", "logarithm of the gamma function"),
    ("if_then_else", 3, 3, "IF THEN ELSE", "(condition, value if true, value if false)"),
    ("step", 2, 2, "STEP", "(height, time): 0 before, height from then on"),
    ("pulse", 2, 2, "PULSE", "(start, duration): 1 in between, else 0"),
    ("pulse_train", 4, 4, "PULSE TRAIN", "(start, duration, interval, end): repeated pulses"),
    ("ramp", 3, 3, "RAMP", "(slope, start, end): grows in between, flat afterwards"),
    ("xidz", 3, 3, "XIDZ", "a / b, or x where b is 0"),
    ("zidz", 2, 2, "ZIDZ", "a / b, or 0 where b is 0"),
    ("smooth", 2, 2, "SMOOTH", "(input, time): first-order average"),
    ("smoothi", 3, 3, "SMOOTHI", "(input, time, initial)"),
    ("smooth3", 2, 2, "SMOOTH3", "(input, time): third-order average"),
    ("smooth3i", 3, 3, "SMOOTH3I", "(input, time, initial)"),
    ("smooth_n", 4, 4, "SMOOTH N", "(input, time, initial, order)"),
    ("delay1", 2, 2, "DELAY1", "(input, time): first-order material delay"),
    ("delay1i", 3, 3, "DELAY1I", "(input, time, initial)"),
    ("delay3", 2, 2, "DELAY3", "(input, time): third-order material delay"),
    ("delay3i", 3, 3, "DELAY3I", "(input, time, initial)"),
    ("delay_n", 4, 4, "DELAY N", "(input, time, initial, order)"),
    ("delay_fixed", 3, 3, "DELAY FIXED", "(input, time, initial): the input exactly so much later"),
    ("trend", 3, 3, "TREND", "(input, average time, initial trend): fractional growth rate"),
    ("forecast", 3, 4, "FORECAST", "(input, average time, horizon, initial trend)"),
    ("sample_if_true", 3, 3, "SAMPLE IF TRUE", "(condition, input, initial): holds the input of the last true step"),
    ("initial", 1, 1, "INITIAL", "the value at the start, held"),
    ("game", 1, 1, "GAME", "the value itself outside of games"),
    ("previous", 2, 2, "PREVIOUS", "(input, initial): the value one step ago"),
    ("sum", 1, 1, "SUM", "sum over the subscripts marked with !"),
    ("prod", 1, 1, "PROD", "product over the subscripts marked with !"),
    ("vmin", 1, 1, "VMIN", "smallest over the subscripts marked with !"),
    ("vmax", 1, 1, "VMAX", "largest over the subscripts marked with !"),
    ("elmcount", 1, 1, "ELMCOUNT", "number of elements of a dimension"),
    ("random_0_1", 0, 0, "RANDOM 0 1", "uniform between 0 and 1"),
    ("random_uniform", 3, 3, "RANDOM UNIFORM", "(min, max, seed)"),
    ("random_normal", 5, 5, "RANDOM NORMAL", "(min, max, mean, sd, seed)"),
    ("random_exponential", 5, 5, "RANDOM EXPONENTIAL", "(min, max, shift, stretch, seed)"),
    ("random_triangular", 6, 6, "RANDOM TRIANGULAR", "(min, max, start, peak, stop, seed)"),
    ("random_weibull", 6, 6, "RANDOM WEIBULL", "(min, max, shape, shift, stretch, seed)"),
    ("random_poisson", 6, 6, "RANDOM POISSON", "(min, max, mean, shift, stretch, seed): whole numbers"),
    ("time_base", 2, 2, "TIME BASE", "(value at time 0, slope): value + slope * Time"),
    ("npv", 4, 4, "NPV", "(stream, discount rate, initial, factor)"),
    ("lookup_forward", 2, 2, "LOOKUP FORWARD", "(table, x): the y of the next point"),
    ("lookup_backward", 2, 2, "LOOKUP BACKWARD", "(table, x): the y of the last point"),
    ("lookup_extrapolate", 2, 2, "LOOKUP EXTRAPOLATE", "(table, x): end slopes outside"),
    ("lookup_invert", 2, 2, "LOOKUP INVERT", "(table, y): the x at which the table is y"),
    ("lookup_area", 3, 3, "LOOKUP AREA", "(table, from x, to x): the integral of the table"),
    ("get_time_value", 3, 3, "GET TIME VALUE", "(relative to, offset, measure)"),
    ("get_data_between_times", 3, 3, "GET DATA BETWEEN TIMES", "(data, time, mode -1 backward, 0 linear, 1 forward)"),
    ("get_data_first_time", 1, 1, "GET DATA FIRST TIME", "(data): the time of the first point"),
    ("get_data_last_time", 1, 1, "GET DATA LAST TIME", "(data): the time of the last point"),
    ("allocate_available", 3, 3, "ALLOCATE AVAILABLE", "(request, priority profile, available)"),
    ("allocate_by_priority", 5, 5, "ALLOCATE BY PRIORITY", "(request, priority, size, width, supply)"),
    ("vector_select", 5, 5, "VECTOR SELECT", "(selection, expression, missing, numerical action, error action)"),
    ("vector_sort_order", 2, 2, "VECTOR SORT ORDER", "(vector, direction)"),
    ("vector_reorder", 2, 2, "VECTOR REORDER", "(vector, order)"),
    ("vector_rank", 2, 2, "VECTOR RANK", "(vector, direction)"),
    ("vector_elm_map", 2, 2, "VECTOR ELM MAP", "(vector element, offset)"),
    ("invert_matrix", 2, 2, "INVERT MATRIX", "(matrix, number of rows)"),
    ("depreciate_straightline", 4, 4, "DEPRECIATE STRAIGHTLINE", "(stream, life, fiscal year, initial)"),
)

# Functions that only XMILE files reach, under XMILE's spelling.
_XMILE_ROWS = (
    ("floor", 1, 1, "INT", "the next whole number at or below x"),
    ("round", 1, 1, "ROUND", "the nearest whole number, halves up"),
    ("log10", 1, 1, "LOG10", "logarithm to the base 10"),
    ("floor_modulo", 2, 2, "MOD", "remainder with the sign of the divisor"),
    ("safediv", 3, 3, "SAFEDIV", "a / b, or x where b is exactly 0"),
    ("xmile_pulse", 2, 3, "PULSE", "(magnitude, first time, interval): magnitude / dt for one step"),
    ("sine_wave", 2, 2, "SINWAVE", "(amplitude, period)"),
    ("cosine_wave", 2, 2, "COSWAVE", "(amplitude, period)"),
    ("counter", 2, 2, "COUNTER", "(start, end): counts time up and starts again"),
    ("mean", 1, None, "MEAN", "mean of values, or over the subscripts marked with !"),
    ("stddev", 1, 1, "STDDEV", "standard deviation over the subscripts marked with !"),
    ("xmile_normal", 2, 3, "NORMAL", "(mean, sd, seed)"),
    ("xmile_lognormal", 2, 3, "LOGNORMAL", "(mean, sd, seed) of the value itself"),
    ("xmile_exponential", 1, 2, "EXPRND", "(mean, seed)"),
    ("xmile_poisson", 1, 2, "POISSON", "(mean, seed): whole numbers"),
)

FUNCTIONS: dict[str, Function] = {row[0]: Function(*row) for row in (*_ROWS, *_XMILE_ROWS)}

# What stands in an equation as a call but is not a function of the table: the reader gives it a meaning of its own.
CONSTRUCTS: dict[str, tuple[int, int, str]] = {
    "integ": (2, 2, "INTEG"),
    "active_initial": (2, 2, "ACTIVE INITIAL"),
    "get_xls_data": (4, 4, "GET XLS DATA"),
    "get_direct_data": (4, 4, "GET DIRECT DATA"),
    "get_xls_lookups": (4, 4, "GET XLS LOOKUPS"),
    "get_direct_lookups": (4, 4, "GET DIRECT LOOKUPS"),
    "get_xls_constants": (3, 3, "GET XLS CONSTANTS"),
    "get_direct_constants": (3, 3, "GET DIRECT CONSTANTS"),
}

# Functions of Vensim that are known and refused, with the reason.
REFUSED: dict[str, str] = {
    "a_function_of": "the equation is unfinished",
    "delay_batch": "batches are not modelled",
    "delay_conveyor": "conveyors are not modelled",
    "delay_material": "conveyors with losses are not modelled",
    "delay_information": "use DELAY FIXED or SMOOTH",
    "delay_lost": "conveyors with losses are not modelled",
    "delayp": "use DELAY3 and a stock for its contents",
    "simultaneous": "loops are not solved, put a stock or a delay into the loop",
    "find_zero": "equations are not solved while a model runs",
    "find_market_price": "markets are not solved while a model runs",
    "demand_at_price": "markets are not solved while a model runs",
    "supply_at_price": "markets are not solved while a model runs",
    "shift_if_true": "cohorts are not shifted",
    "lookup_slope": "slopes of lookups are not computed",
    "get_data_max": "statistics of data are not computed, give the number as a constant",
    "get_data_min": "statistics of data are not computed, give the number as a constant",
    "get_data_mean": "statistics of data are not computed, give the number as a constant",
    "get_data_median": "statistics of data are not computed, give the number as a constant",
    "get_data_stdv": "statistics of data are not computed, give the number as a constant",
    "get_data_total_points": "statistics of data are not computed, give the number as a constant",
    "get_data_at_time": "use GET DATA BETWEEN TIMES",
    "internal_rate_of_return": "equations are not solved while a model runs",
    "delay_profile": "batches are not modelled",
    "alloc_p": "use ALLOCATE AVAILABLE",
    "sample_until": "use SAMPLE IF TRUE",
    "depreciate_by_schedule": "use DEPRECIATE STRAIGHTLINE",
    "vector_lookup": "use a lookup with points",
    "reinitial": "a run has one start",
    "message": "messages of a game are not shown",
    "queue_fifo": "queues are not modelled",
    "queue_fifo_attrib": "queues are not modelled",
    "get_vdf_constants": "binary runs are not read",
    "get_vdf_data": "binary runs are not read",
    "get_vdf_lookups": "binary runs are not read",
    "get_123_data": "save the sheet as .xlsx and use GET DIRECT DATA",
    "get_123_constants": "save the sheet as .xlsx and use GET DIRECT CONSTANTS",
    "get_odbc_data": "data bases are not read",
    "get_odbc_constants": "data bases are not read",
    "random_gamma": "draw it with RANDOM WEIBULL, or from a table",
    "random_lognormal": "write EXP(RANDOM NORMAL(...))",
    "random_beta": "draw it with RANDOM TRIANGULAR, or from a table",
    "random_binomial": "draw it with RANDOM NORMAL, or from a table",
    "random_negative_binomial": "draw it with RANDOM NORMAL, or from a table",
    "random_pink_noise": "write SMOOTH(RANDOM NORMAL(...), correlation time)",
    "tabbed_array": "it may only be the whole right-hand side",
    "with_lookup": "expected WITH LOOKUP(x, ((x1,y1),(x2,y2),...))",
}

_BY_VENSIM = {canonical(row[3]): row[0] for row in _ROWS}


def function_of_vensim(label: str) -> Function | None:
    """The function that Vensim spells so, in any case and with blanks or underscores."""
    name = _BY_VENSIM.get(canonical(label))
    return FUNCTIONS[name] if name else None


def vensim_names() -> list[str]:
    """Vensim's spellings of all functions and constructs, for suggestions."""
    return [row[3] for row in _ROWS] + [each[2] for each in CONSTRUCTS.values()]
