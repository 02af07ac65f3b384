-- What several tables compute alike. In the DuckDB shell: `.read sql/macros.sql`, then a table's
-- SELECT. A macro is expanded where it is used, so that the SELECT stays one plain statement.

-- Ends of the 95 % interval of a share of so many independent trials: E. B. Wilson, Probable
-- Inference, the Law of Succession, and Statistical Inference (1927).
create or replace temp macro wilson_low(share, trials) as
    (
        share + 1.959963984540054 * 1.959963984540054 / (2 * trials)
        - 1.959963984540054 * sqrt(
            share * (1 - share) / trials
            + 1.959963984540054 * 1.959963984540054 / (4 * trials * trials)
        )
    ) / (1 + 1.959963984540054 * 1.959963984540054 / trials);

create or replace temp macro wilson_high(share, trials) as
    (
        share + 1.959963984540054 * 1.959963984540054 / (2 * trials)
        + 1.959963984540054 * sqrt(
            share * (1 - share) / trials
            + 1.959963984540054 * 1.959963984540054 / (4 * trials * trials)
        )
    ) / (1 + 1.959963984540054 * 1.959963984540054 / trials);

-- Half the width of the 95 % interval of a mean of so many independent rows, from the mean of their
-- squares. The variance may fall below 0 by rounding alone.
create or replace temp macro mean_half_width(average, average_square, n) as
    1.959963984540054 * sqrt(greatest(average_square - average * average, 0) / n);

-- Standard deviation of a sample of n > 1 from the sum of its values and of their squares.
create or replace temp macro deviation_of_sums(total, total_of_squares, n) as
    sqrt(greatest(total_of_squares - total * total / n, 0) / (n - 1));

-- What a count of events adds to n times an entropy, k ln k with 0 ln 0 = 0: the Shannon entropy of
-- counts that sum to n, in nats, is ln n - sum(k ln k) / n.
create or replace temp macro k_ln_k(k) as
    k * ln(greatest(k, 1));

-- How many independent trials a share rests on whose trials come several from one customer: an
-- aggregate over customers of those that say yes and of all. The ratio of two sums over customers
-- has the variance of its linearised residuals (Cochran, Sampling Techniques, 1977, ch. 6), and so
-- many independent trials would have the same (Korn and Graubard, Confidence intervals for
-- proportions with small expected number of positive counts, 1998). Where all customers agree
-- nothing varies, and the trials of one count as alike (Kish, Survey Sampling, 1965).
create or replace temp macro squared_residuals(yes, trials) as
    sum(yes * yes) - 2 * sum(yes) / sum(trials) * sum(yes * trials)
    + sum(yes) * sum(yes) / sum(trials) / sum(trials) * sum(trials * trials);

create or replace temp macro effective_trials(yes, trials) as
    case
        when squared_residuals(yes, trials) > 1e-9
            then
                least(
                    sum(trials),
                    sum(yes) * (sum(trials) - sum(yes)) / squared_residuals(yes, trials)
                )
        else sum(trials) * sum(trials) / sum(trials * trials)
    end;

-- Of fewer customers than this a trend or a grouping says more of chance than of them, as in
-- `customer_assets/intervals.py`.
create or replace temp macro fewest_customers() as
    30;

-- Of fewer buyers than this an interval of their money holds too seldom, as there.
create or replace temp macro fewest_buyers() as
    100;

-- Ends of the 95 % interval of a share with a standard error of its own, on the scale of its log
-- odds: both lie between 0 and 1. A share of 0 or 1 has none.
create or replace temp macro share_low(share, error) as
    1 / (
        1 + (1 - share) / nullif(share, 0)
        * exp(1.959963984540054 * error / nullif(share * (1 - share), 0))
    );

create or replace temp macro share_high(share, error) as
    1 / (
        1 + (1 - share) / nullif(share, 0)
        * exp(-1.959963984540054 * error / nullif(share * (1 - share), 0))
    );

-- Ends of the 95 % interval of the difference of two shares of different people, from their own
-- Wilson intervals: R. G. Newcombe, Interval estimation for the difference between independent
-- proportions (1998), method 10.
create or replace temp macro difference_low(share, low, other_share, other_high) as
    share - other_share - sqrt(
        (share - low) * (share - low) + (other_high - other_share) * (other_high - other_share)
    );

create or replace temp macro difference_high(share, high, other_share, other_low) as
    share - other_share + sqrt(
        (high - share) * (high - share) + (other_share - other_low) * (other_share - other_low)
    );

-- By how much a 95 % interval is widened so that of so many of its kind all hold together 95 times
-- in 100. The normal distribution leaves beyond sqrt(z^2 + 2 ln n) less than an n-th of what it
-- leaves beyond z, so this is a little wider than Bonferroni's.
create or replace temp macro widened_for(n_compared) as
    sqrt(1 + 2 * ln(greatest(n_compared, 1)) / pow(1.959963984540054, 2));
