"""The face that scikit-learn knows: ScalarNetClassifier and ScalarNetRegressor, for pipelines, grids, cross-validation.

    clf = make_pipeline(StandardScaler(), ScalarNetClassifier(random_state=0))
    cross_val_score(clf, X, y)

A parameter that scikit-learn's MLPClassifier and MLPRegressor also have has the same name and the same meaning, but for
`early_stopping` and `learning_rate`, which ScalarNetClassifier explains. `base` is what both share. All this needs
scikit-learn, 1.6 or newer: pip install "chainrule[sklearn]".
"""

try:
    from sklearn.utils.validation import validate_data as _  # new in 1.6
except ImportError as _error:
    raise ModuleNotFoundError(
        f'nn.estimators needs scikit-learn, 1.6 or newer: pip install "chainrule[sklearn]" ({_error})', name="sklearn"
    ) from None

from nn.estimators.classifier import ScalarNetClassifier as ScalarNetClassifier
from nn.estimators.regressor import ScalarNetRegressor as ScalarNetRegressor
