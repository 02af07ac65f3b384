"""A question from features to champions and scores, on made-up customers."""

import json

import numpy as np
import polars as pl
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression

from customer_assets.advice.campaign import expected_audience
from customer_assets.learning import scores as scores_module
from customer_assets.learning import splits
from customer_assets.learning.champions import newest_champion
from customer_assets.learning.design import CUT_OFF, design_of, newest, with_cut_off
from customer_assets.learning.drift import only_growing, stability_index
from customer_assets.learning.estimators import candidate, fit_in_threads, reproducible
from customer_assets.learning.fitting import calibrate, fit, folds_of, raw_scores
from customer_assets.learning.gate import (
    better_than_champion,
    calibration,
    earns_more_than_champion,
)
from customer_assets.learning.metrics import Predicted, calibration_error
from customer_assets.learning.splits import splits_of
from customer_assets.learning.store import ModelStore, ModelStoreError
from customer_assets.sources import Campaign
from customer_assets.sources.questions import Question
from customer_assets_tests.tables import computed

MODELS = ["logistic_regression", "decision_tree"]
DAY = 86_400_000_000


def question(**changes) -> Question:
    stated = {"title": "?", "label": "label", "models": MODELS, "search_iterations": 3}
    return Question.model_validate(stated | changes)


def customers(n=400, cut_offs=(1,), signal=1.5, seed=0) -> pl.DataFrame:
    """Customers whose answer depends on x, less on y, on their category, and on chance."""
    random = np.random.default_rng(seed)
    frames = []
    for number, cut_off in enumerate(cut_offs):
        x = random.normal(size=n)
        kind = random.choice(["a", "b", "c"], n)
        y = random.normal(size=n)
        odds = signal * (x + 0.8 * y + (kind == "a")) - 0.5
        label = random.random(n) < 1 / (1 + np.exp(-odds))
        is_open = number == len(cut_offs) - 1 and len(cut_offs) > 1
        frames.append(
            pl.DataFrame(
                {
                    "customer_id": np.arange(n),
                    "cut_off_ts": np.full(n, cut_off * DAY),
                    "x": np.where(random.random(n) < 0.05, np.nan, x),
                    "y": y,
                    "noise": random.normal(size=n),
                    "constant": np.ones(n),
                    "kind": kind,
                    "label": [None] * n if is_open else label.tolist(),
                },
                schema_overrides={"label": pl.Boolean},
            )
        )
    return pl.concat(frames).with_columns(pl.col("x").fill_nan(None))


class Chain:
    """The tables of the models layer in order, as a refresh would make them."""

    def __init__(self, features, asked, folder, ledger=None, campaign=None):
        self.parameters = {
            "questions": {"q": asked},
            "model_store": ModelStore(folder),
            "campaign": campaign,
        }
        self.frames = {"customer_features": features}
        self.frames["champions"] = ledger if ledger is not None else self._no_champions()
        self.run("tuned_models")
        self.run("model_predictions")
        decided = computed("champions", self.frames, self.parameters)
        self.frames["champions"] = pl.concat([self.frames["champions"], decided])
        self.run("model_scores")

    def _no_champions(self):
        nothing = dict.fromkeys(("tuned_models", "model_predictions", "champions"), pl.DataFrame())
        nobody = {"questions": {}, "model_store": None, "campaign": None}
        return computed("champions", self.frames | nothing, nobody)

    def run(self, name):
        self.frames[name] = computed(name, self.frames, self.parameters)
        return self.frames[name]

    @property
    def champion(self):
        return newest_champion(self.frames["champions"], "q")


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    features = customers(cut_offs=(1, 2, 3, 4, 5))
    return Chain(features, question(), tmp_path_factory.mktemp("models"))


@pytest.mark.parametrize("cut_offs", [[1, 2, 2], []])
def test_the_newest_rows_are_of_the_last_cut_off_if_there_is_one(cut_offs):
    rows = pl.DataFrame({CUT_OFF: cut_offs}, schema={CUT_OFF: pl.Int64})
    assert newest(rows).tolist() == [cut_off == 2 for cut_off in cut_offs]


def test_two_runs_give_identical_predictions_and_scores(chain, tmp_path):
    shuffled = chain.frames["customer_features"].sample(fraction=1, shuffle=True, seed=3)
    again = Chain(shuffled, question(), tmp_path)
    for table in ("tuned_models", "model_predictions", "model_scores"):
        assert chain.frames[table].equals(again.frames[table]), table


def test_the_champion_beats_the_best_single_feature_out_of_time(chain):
    tuned = chain.frames["tuned_models"].filter(model="best_single_feature")
    assert json.loads(tuned["features"].item()) == ["x"]
    assert chain.champion["baseline"] == "best_single_feature"
    assert chain.champion["promoted"]
    assert chain.champion["split"] == "out_of_time"
    assert chain.champion["gain_low"] > 0
    metrics = chain.run("model_metrics")
    auc = metrics.filter(split="out_of_time", metric="roc_auc")
    by_model = dict(auc.select("model", "value").rows())
    assert by_model["base_rate"] == 0.5
    assert by_model["logistic_regression"] > by_model["best_single_feature"] > 0.7
    assert "against x alone" in chain.champion["verdicts"]
    assert set(metrics.filter(split="backtest")["cut_off_ts"]) == {2 * DAY, 3 * DAY}
    assert chain.run("model_curves")["curve"].n_unique() == 4


def test_no_row_judges_what_it_taught(chain):
    asked = question()
    found = splits_of(with_cut_off(chain.frames["customer_features"]).drop_nulls("label"), asked)
    at = found.rows["cut_off_ts"].to_numpy()
    assert at[found.judged.train].max() < at[found.judged.test].min()
    assert not (found.tuning & found.compared).any()
    for split in found.backtest:
        assert at[split.train].max() < at[split.test].min()


def test_of_many_customers_a_part_teaches_and_all_judge(monkeypatch):
    rows = with_cut_off(customers(n=2_000, cut_offs=(1, 2, 3, 4))).drop_nulls("label")
    monkeypatch.setattr(splits, "MOST_ROWS", 1_500)
    asked = question()
    taught = splits.teaching(rows, asked)
    # Not 1,500: there are to be 2,000 rows of the rarer answer.
    rarer = rows.filter(taught)["label"].cast(pl.Int8).mean()
    assert min(rarer, 1 - rarer) * taught.sum() == pytest.approx(2_000, rel=0.1)
    teachers = set(rows.filter(taught)["customer_id"])
    assert taught.sum() == 3 * len(teachers) < len(rows)
    found = splits_of(rows, asked)
    at, who = (rows[name].to_numpy() for name in (CUT_OFF, "customer_id"))
    assert (found.judged.test == (at == 3 * DAY)).all()
    for mask in (found.tuning, found.compared, *(split.train for split in found.backtest)):
        assert set(who[mask]) == teachers
    monkeypatch.setattr(splits, "_MOST_TIMES", 2)
    assert splits.teaching(rows, asked).sum() == pytest.approx(3_000, abs=3)
    monkeypatch.undo()
    assert splits.teaching(rows, asked).all()


def test_rows_of_a_customer_are_in_one_fold():
    who = np.repeat(np.arange(50), 3)
    label = np.tile([0, 1, 0], 50) * (who % 4 == 0)
    fold = folds_of(who, label, 5, seed=1)
    assert all(len(set(fold[who == c])) == 1 for c in range(50))
    assert [label[fold == k].sum() for k in range(5)].count(0) == 0


def test_every_customer_of_the_newest_cut_off_has_a_score_and_reasons(chain):
    scores = chain.frames["model_scores"]
    assert scores["customer_id"].sort().to_list() == list(range(400))
    assert set(scores["cut_off_ts"]) == {5 * DAY}
    assert not scores["is_out_of_fold"].any()
    assert set(scores["decile"]) == set(range(1, 11))
    best = scores.sort("score_rank").row(0, named=True)
    reasons = json.loads(best["reasons"])
    assert reasons[0]["feature"] == "x"
    assert reasons[0]["effect"] > 0


def test_reasons_are_the_same_however_many_customers_are_looked_at_at_once(chain, monkeypatch):
    monkeypatch.setattr(scores_module, "_BATCH_CUSTOMERS", 37)
    again = computed("model_scores", chain.frames, chain.parameters)
    assert again.equals(chain.frames["model_scores"])


def test_importance_finds_what_the_answer_depends_on(chain):
    found = chain.run("feature_importance").sort("rank")
    assert found["feature"][0] == "x"
    assert found["direction"][0] == "raises"
    assert found.filter(feature="x")["permutation"].item() > 0.05


def test_drift_is_seen_where_there_is_some_and_only_there(chain):
    still = computed("model_drift", chain.frames, chain.parameters)
    assert not still["has_drifted"].any()
    moved = chain.frames["customer_features"].with_columns(x=pl.col("x") + 2)
    frames = chain.frames | {"customer_features": moved}
    found = computed("model_drift", frames, chain.parameters)
    assert found.filter("has_drifted")["feature"].to_list() == ["x"]


def test_what_only_grows_is_no_drift(chain):
    age = chain.frames["customer_features"].with_columns(age=pl.col("cut_off_ts") / DAY)
    assert only_growing(age, ["x", "noise", "age"]) == {"age"}


def test_few_customers_show_no_drift_by_chance():
    random, even = np.random.default_rng(0), np.full(10, 0.1)
    drawn = [random.multinomial(100, even) / 100 for _ in range(200)]
    told = [stability_index(even, now, 10**9, 100) for now in drawn]
    # Taken for a million customers, the same shares would be a change on average.
    assert (
        np.mean(told)
        < 0.04
        < 0.08
        < np.mean([stability_index(even, now, 10**9, 10**6) for now in drawn])
    )
    assert stability_index(even, np.repeat([0.18, 0.02], 5), 10**9, 400) > 0.25


def test_a_customer_table_is_held_out_and_scored_out_of_fold(tmp_path):
    chain = Chain(customers(n=800).drop("cut_off_ts"), question(), tmp_path)
    assert set(chain.frames["model_predictions"]["split"]) == {"cross_validation", "holdout"}
    assert chain.frames["model_scores"]["is_out_of_fold"].all()
    assert chain.champion["split"] == "holdout"


def test_a_feature_that_leaks_is_caught(tmp_path):
    leaking = customers().with_columns(
        leak=pl.col("label").cast(pl.Float64) + pl.col("noise") / 100
    )
    chain = Chain(leaking, question(), tmp_path)
    assert chain.champion is None
    assert "leak, has an AUC of 1.000" in chain.frames["champions"]["reason"][0]
    assert chain.frames["model_scores"].is_empty()


def test_a_model_of_noise_is_not_promoted(tmp_path):
    chain = Chain(customers(signal=0).drop("kind"), question(), tmp_path)
    assert chain.champion is None
    assert " alone" in chain.frames["champions"]["reason"][0]


def test_a_model_that_knows_no_more_than_one_figure_is_not_promoted(tmp_path):
    features = customers(n=300).drop("kind", "y", "noise")
    chain = Chain(features, question(models=["logistic_regression"]), tmp_path)
    assert chain.champion is None
    assert "against x alone" in chain.frames["champions"]["reason"][0]


def test_customers_with_orders_are_ranked_by_recency_frequency_and_money(tmp_path):
    bought = customers(n=300).rename({"x": "monetary", "noise": "recency_days"})
    features = bought.with_columns(n_orders=pl.col("monetary").fill_null(0).abs())
    chain = Chain(features, question(models=["decision_tree"]), tmp_path)
    assert "best_single_feature" not in set(chain.frames["tuned_models"]["model"])
    assert chain.frames["champions"]["baseline"].to_list() == ["rfm_score"]


def test_the_champion_stays_where_the_challenger_fails(chain, tmp_path):
    first = Chain(customers(n=800), question(), tmp_path)
    before = first.champion["version"]
    noise = customers(n=800).with_columns(pl.col("label").shuffle(seed=1))
    second = Chain(noise, question(), tmp_path, first.frames["champions"])
    assert second.frames["champions"]["promoted"].to_list() == [True, False]
    assert second.champion["version"] == before
    assert set(second.frames["model_scores"]["version"]) == {before}


def test_another_kind_does_not_replace_a_champion_that_finds_as_much(tmp_path):
    """On newer rows a tree does not take the place of a line, which is fitted anew."""
    line, tree = (question(models=[m]) for m in ("logistic_regression", "decision_tree"))
    before = Chain(customers(n=800), line, tmp_path)
    after = Chain(customers(n=850, seed=1), tree, tmp_path, before.frames["champions"])
    assert after.champion["model"] == "logistic_regression"
    assert after.champion["version"] != before.champion["version"]
    verdicts = json.loads(after.champion["verdicts"])
    [contest] = [v for v in verdicts if v["rule"] == "better_than_champion"]
    assert "The old kind is used" in contest["text"]


def test_another_kind_replaces_a_champion_where_it_surely_finds_more():
    random = np.random.default_rng(0)
    label = (random.random(600) < 0.3).astype(int)
    ours, theirs = (
        Predicted(label, 1 / (1 + np.exp(-weight * label - random.normal(size=600))), label)
        for weight in (2, 0.5)
    )
    assert better_than_champion(question(), "line", ours, theirs).passed
    assert not better_than_champion(question(), "line", theirs, ours).passed
    assert not better_than_champion(question(), "line", ours, ours).passed


def found_alike(random, n=2000):
    """Answers, and two models of which the first finds more; both say how likely yes is."""
    label = (random.random(n) < 0.3).astype(int)
    return label, *(
        1 / (1 + np.exp(1.0 - weight * (2 * label - 1) - random.normal(size=n)))
        for weight in (1.5, 0.5)
    )


@pytest.mark.parametrize(
    ("cost", "shift", "passes"),
    [(10, 0, True), (10, 9, False), (0, 0, True)],
    ids=["earns more", "ranks better, contacts everybody", "both contact the same"],
)
def test_another_kind_must_also_earn_more(cost, shift, passes):
    """`shift` moves all probabilities: the ranking stays, the list to contact does not."""
    label, better, worse = found_alike(np.random.default_rng(5))
    odds = np.log(better / (1 - better)) + shift
    ours, theirs = (Predicted(label, p, label) for p in (1 / (1 + np.exp(-odds)), worse))
    campaign = Campaign(question="q", contact_cost=cost, margin=20)
    assert better_than_champion(question(), "line", ours, theirs).passed
    verdict = earns_more_than_champion(question(), campaign, "line", ours, theirs)
    assert verdict.passed == passes
    assert ("the same customers" in verdict.text) == (cost == 0)


def test_profit_is_compared_where_a_campaign_is_of_the_question(tmp_path):
    blind, seeing = (
        question(models=["logistic_regression"], exclude=names) for names in (["y"], [])
    )
    before = Chain(customers(n=1200), blind, tmp_path)
    campaign = Campaign(question="q", contact_cost=1, margin=2)
    ledger = before.frames["champions"]
    after = Chain(customers(n=1300, seed=1), seeing, tmp_path, ledger, campaign)
    verdicts = {v["rule"]: v["text"] for v in json.loads(after.champion["verdicts"])}
    assert "a contact costs 1, a yes brings 2" in verdicts["earns_more_than_champion"]
    contest = [verdicts[rule] for rule in ("better_than_champion", "earns_more_than_champion")]
    assert len({text.partition("The ")[2] for text in contest}) == 1


def test_the_same_rows_are_not_decided_on_twice(chain):
    assert computed("champions", chain.frames, chain.parameters).is_empty()


def test_too_few_answers_are_said_not_learned_from(tmp_path):
    few = customers(n=60).with_columns(label=pl.col("customer_id") < 3)
    chain = Chain(few, question(), tmp_path)
    assert chain.frames["champions"]["reason"][0].startswith("3 of 60 labelled customers")


@pytest.mark.parametrize("model", Question.model_fields["models"].annotation.__args__[0].__args__)
def test_every_model_fits_and_is_loaded_as_it_was_stored(model, chain, tmp_path):
    features = with_cut_off(customers(n=150))
    asked = question(models=[model])
    design = design_of(features, asked)
    matrix, label = design.matrix(features), features["label"].cast(pl.Int8).to_numpy()
    unfitted = candidate(model, design, 1).pipeline
    fold = folds_of(features["customer_id"].to_numpy(), label, 3, 1)
    with reproducible():
        fitted = fit(unfitted, matrix, label, fold, np.ones(len(label), dtype=bool))
    store = ModelStore(tmp_path)
    known = store_card(chain, design, fitted, model)
    store.save(known, fitted)
    card, loaded = store.load("q", known.version)
    assert np.array_equal(loaded.probability(matrix), fitted.probability(matrix))
    assert card == known
    assert np.isfinite(raw_scores(loaded.pipeline, matrix)).all()


def store_card(chain, design, fitted, model):
    card = chain.parameters["model_store"].card("q", chain.champion["version"])
    return card.model_copy(
        update={
            "model": model,
            "features": list(design.features),
            "slope": fitted.calibration.slope,
            "intercept": fitted.calibration.intercept,
            "threshold": fitted.calibration.threshold,
            "knots": list(fitted.calibration.knots),
        }
    )


class Harmful(LogisticRegression):
    """A type that no model of the project has."""


def test_a_foreign_model_file_is_not_loaded(chain, tmp_path):
    store = ModelStore(tmp_path)
    card, fitted = chain.parameters["model_store"].load("q", chain.champion["version"])
    store.save(card, fitted)
    skops.io.dump(Harmful(), tmp_path / "q" / card.version / "model.skops")
    with pytest.raises(ModelStoreError, match="is not loaded"):
        store.load("q", card.version)
    with pytest.raises(ModelStoreError, match="its folder is gone"):
        store.load("q", "another")


def test_the_last_five_versions_are_kept_and_the_champion(chain, tmp_path):
    store = ModelStore(tmp_path)
    card, fitted = chain.parameters["model_store"].load("q", chain.champion["version"])
    for number in range(8):
        store.save(card.model_copy(update={"version": f"v{number}"}), fitted, keep=["v0"])
    kept = sorted(folder.name for folder in (tmp_path / "q").iterdir())
    assert kept == ["v0", "v3", "v4", "v5", "v6", "v7"]


def test_a_question_about_a_missing_column_says_what_there_is(tmp_path):
    with pytest.raises(ValueError, match="customer_features has no column 'churned'"):
        Chain(customers(n=60), question(label="churned"), tmp_path)


def judged_wrongly(chain, change, models):
    """The chain's rows with what models said of the judged ones changed, decided on again."""
    found = chain.frames["model_predictions"]
    at = pl.col("split").is_in(["out_of_time", "holdout"]) & pl.col("model").is_in(models)
    changed = found.with_columns(
        probability=pl.when(at).then(change(pl.col("probability"))).otherwise("probability")
    )
    nothing = chain.frames["champions"].clear()
    frames = chain.frames | {"model_predictions": changed, "champions": nothing}
    frames["champions"] = computed("champions", frames, chain.parameters)
    frames["model_scores"] = computed("model_scores", frames, chain.parameters)
    return frames


def halved(probability):
    return probability / 2


def test_the_best_that_passes_is_promoted_where_the_best_is_refused(tmp_path):
    asked = question(models=["logistic_regression", "logistic_regression_on_components"])
    chain = Chain(customers(n=1000), asked, tmp_path)
    best = chain.champion["model"]
    decided = judged_wrongly(chain, halved, [best])["champions"].row(0, named=True)
    assert decided["promoted"]
    assert decided["model"] in set(asked.models) - {best}


def test_without_believable_probabilities_customers_are_ranked(chain):
    frames = judged_wrongly(chain, halved, MODELS)
    assert frames["champions"]["promoted"].to_list() == [False]
    scores = frames["model_scores"]
    assert scores["probability"].null_count() == scores.height == 400
    assert scores["score_rank"].to_list() == chain.frames["model_scores"]["score_rank"].to_list()
    assert set(scores["decile"]) == set(range(1, 11))
    assert "score" not in set(computed("model_drift", frames, chain.parameters)["feature"])
    assert expected_audience("q", scores.lazy()) is None


@pytest.mark.parametrize("share", [0.016, 0.034, 0.38, 0.8])
@pytest.mark.parametrize("factor", [1, 2, 0.5, 0.1, 0.001])
def test_probabilities_that_are_off_by_a_factor_are_refused(share, factor):
    random = np.random.default_rng(7)
    odds = random.normal(np.log(share / (1 - share)), 0.8, 6000)
    right = 1 / (1 + np.exp(-odds))
    label = (random.random(6000) < right).astype(int)
    said = Predicted(label, np.minimum(right * factor, 1.0), label)
    passed = [verdict.passed for verdict in calibration(question(), said)]
    assert all(passed) == (factor == 1)


@pytest.mark.parametrize(("power", "passes"), [(1, True), (3, False), (0.3, False)])
def test_probabilities_too_extreme_or_too_timid_are_refused(power, passes):
    random = np.random.default_rng(8)
    odds = random.normal(0, 1, 3000)
    label = (random.random(3000) < 1 / (1 + np.exp(-odds))).astype(int)
    said = Predicted(label, 1 / (1 + np.exp(-power * odds)), label)
    verdicts = {verdict.rule: verdict for verdict in calibration(question(), said)}
    assert verdicts["right_in_the_large"].passed
    assert verdicts["right_slope"].passed == passes


def test_a_forest_is_fitted_by_threads_and_predicts_with_one():
    features = with_cut_off(customers(n=150))
    design = design_of(features, question())
    forest = candidate("random_forest", design, 1).pipeline
    label = features["label"].cast(pl.Int8).to_numpy()
    fit_in_threads(forest, design.matrix(features), label)
    assert forest.named_steps["model"].n_jobs is None


@pytest.mark.parametrize("shape", ["line", "steps"])
def test_a_calibration_bends_only_where_that_proves_better(shape):
    """With one in twelve contrary to what the score says, no line of log odds is right."""
    random = np.random.default_rng(11)
    score = random.normal(0, 1, 4000)
    right = 1 / (1 + np.exp(-(score if shape == "line" else 8 * score)))
    right = right if shape == "line" else 1 / 12 + right * 10 / 12
    label = (random.random(4000) < right).astype(int)
    found = calibrate(score[:2000], label[:2000])
    said = found.probability(score[2000:])
    assert bool(found.knots) == (shape == "steps")
    assert calibration_error(label[2000:], said) < 0.04
    assert (np.diff(found.probability(np.sort(score))) >= 0).all()
