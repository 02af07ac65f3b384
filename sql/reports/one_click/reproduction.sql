/* ---
description: >-
  One row per published figure of the two One Click studies, with the same figure from our models.
  They can agree only where the real files have landed; a sample shows that they are computed.
key: [figure]
columns:
  figure: {type: varchar, description: Name of the figure.}
  published: {type: double, description: What the study prints.}
  ours: {type: double, description: "What our model gives in cross-validation; null where it is not trained."}
  agrees: {type: boolean, description: Whether ours is no worse at the precision that the study prints.}
  why: {type: varchar, description: What the figure is.}
checks:
  - expect_column_values_to_not_be_null: {column: why}
--- */
with published as (
    -- tolerance: half a unit of the last digit that the study prints
    select *
    from (
        values
            ('auc_logistic_regression', 0.89, 0.005, 'Area under the ROC curve of logistic regression, from 0.5 (chance) to 1, cross-validated. Agrees where ours is as high or higher.'),
            ('f1_support_vectors', 0.80, 0, 'F1 of support vectors, cross-validated. The study says above 0.80: agrees where ours is.')
    ) as figures (figure, published, tolerance, why)
),

ours as (
    select
        case model
            when 'logistic_regression' then 'auc_logistic_regression'
            else 'f1_support_vectors'
        end as figure,
        value as ours,
    from model_metrics
    where
        question = 'activity_declines'
        and split = 'cross_validation'
        and (
            (model = 'logistic_regression' and metric = 'roc_auc')
            or (model = 'support_vectors' and metric = 'f1')
        )
)

select
    published.figure,
    cast(published.published as double) as published,
    ours.ours,
    ours.ours >= published.published - published.tolerance as agrees,
    concat(published.why, ' Comparable where the real files have landed; a sample differs.') as why,
from published
left join ours on published.figure = ours.figure
