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

-- How many independent trials a share rests on whose trials come several from one customer: the
-- ratio of two sums over customers has the variance of its linearised residuals (Cochran, Sampling
-- Techniques, 1977, ch. 6), and so many independent trials would have the same (Korn and Graubard,
-- Confidence intervals for proportions with small expected number of positive counts, 1998). Sums
-- over customers of yes, all, yes², yes x all and all² are enough. Where all customers agree
-- nothing varies, and the trials of one count as alike (Kish, Survey Sampling, 1965).
create or replace temp macro effective_trials(yes, trials, yes2, yes_trials, trials2) as
    case
        when
            yes2 - 2 * yes / trials * yes_trials + yes * yes / trials / trials * trials2 > 1e-9
            then
                least(
                    trials,
                    yes * (trials - yes)
                    / (yes2 - 2 * yes / trials * yes_trials + yes * yes / trials / trials * trials2)
                )
        else trials * trials / trials2
    end;
