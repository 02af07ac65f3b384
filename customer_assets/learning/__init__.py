"""What can be learned of customers: features judged, questions answered, sales and value foreseen.

Pure functions over frames that import no Dagster; heavy libraries are imported inside them.
"""

from customer_assets.learning.champions import CHAMPIONS
from customer_assets.learning.drift import MODEL_DRIFT
from customer_assets.learning.evaluation import MODEL_CURVES, MODEL_METRICS
from customer_assets.learning.feature_bins import FEATURE_BINS
from customer_assets.learning.feature_correlation import FEATURE_CORRELATION
from customer_assets.learning.feature_profile import FEATURE_PROFILE
from customer_assets.learning.forecast import FORECAST_METRICS, SALES_FORECAST
from customer_assets.learning.forecast_backtest import FORECAST_BACKTEST
from customer_assets.learning.importance import FEATURE_IMPORTANCE
from customer_assets.learning.lifetime_value import CUSTOMER_LIFETIME_VALUE, LIFETIME_VALUE_FIT
from customer_assets.learning.predictions import MODEL_PREDICTIONS
from customer_assets.learning.scores import MODEL_SCORES
from customer_assets.learning.tuning import TUNED_MODELS
from customer_assets.warehouse.source_warehouse import PythonModel

# Tables that cost a training; the others follow from what was trained.
TRAINING: tuple[PythonModel, ...] = (
    FEATURE_CORRELATION,
    FEATURE_PROFILE,
    FEATURE_BINS,
    TUNED_MODELS,
    MODEL_PREDICTIONS,
    MODEL_METRICS,
    MODEL_CURVES,
    CHAMPIONS,
)
SCORING: tuple[PythonModel, ...] = (MODEL_SCORES, FEATURE_IMPORTANCE, MODEL_DRIFT)
FORESIGHT: tuple[PythonModel, ...] = (
    FORECAST_BACKTEST,
    FORECAST_METRICS,
    SALES_FORECAST,
    LIFETIME_VALUE_FIT,
    CUSTOMER_LIFETIME_VALUE,
)

__all__ = ["FORESIGHT", "SCORING", "TRAINING"]
